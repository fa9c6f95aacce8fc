import type { Identity } from '../genauth';

/**
 * Whether an unlink is to remove an identity. Without a `type`, an unlink is to remove every identity of the source, because
 * GenAuth's documentation does not say clearly which ones it removes.
 *
 * @see docs/genauth-api.md#unlink-identity
 */
export function matchesUnlink(identity: Identity, request: { extIdpId: string; type?: string | null }): boolean {
  const { extIdpId, type = null } = request;
  return identity.extIdpId === extIdpId && (type === null || identity.type === type);
}
