import type { ConnectedAccountsQuery } from '../../../src/client';

export type User = NonNullable<ConnectedAccountsQuery['me']>;
export type Identity = NonNullable<User['identities']>[number];
export type Source = NonNullable<Identity['source']>;

/** An account at an identity source: all identities of a user that have the same `extIdpId`. */
export interface Account {
  /** Unique within the user. */
  key: string;
  /** Null if the account cannot be named in an unlink. */
  extIdpId: string | null;
  name: string;
  logo: string | null;
  /** The names by which the person knows the account. */
  labels: readonly string[];
  /** Whether the person could no longer sign in without it. */
  isLastWayToSignIn: boolean;
  /** Why it cannot be disconnected, in words for people. Null if it can be. */
  blocked: string | null;
}

/** Words for `Identity.unlinkBlockedBy`. It is an enum, and may grow. */
const BLOCKED: Readonly<Record<string, string>> = {
  LAST_IDENTITY: 'This is your last way to sign in. Connect another account before you remove it.',
  FORBIDDEN: 'You may not disconnect this account now. It can help to sign in again.',
  NOT_NAMEABLE: 'This account cannot be disconnected here. Please ask the support team.',
};

/** Combines identities into accounts, in the order of the identities. */
export function accountsOf(identities: readonly Identity[]): readonly Account[] {
  const groups = Map.groupBy(identities, ({ id, extIdpId }) => extIdpId ?? id);
  return [...groups].map(([key, [first, ...others]]) => toAccount(key, [first as Identity, ...others]));
}

function toAccount(key: string, rows: readonly [Identity, ...Identity[]]): Account {
  const [{ extIdpId, provider }] = rows;
  // Null if the operator deleted the source, or if the list of sources could not be read.
  const source = rows.find((row) => row.source !== null)?.source;
  const block = extIdpId === null ? 'NOT_NAMEABLE' : rows.find((row) => row.unlinkBlockedBy !== null)?.unlinkBlockedBy;
  return {
    key,
    extIdpId,
    name: source?.name ?? provider ?? 'Unknown account',
    logo: source?.logo ?? null,
    labels: [...new Set(rows.flatMap(({ label }) => label ?? []))],
    isLastWayToSignIn: rows.some((row) => row.isLastWayToSignIn),
    blocked: block ? (BLOCKED[block] ?? 'This account cannot be disconnected now.') : null,
  };
}
