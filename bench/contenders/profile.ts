import { isCredential } from '../users';

/** Removes the credentials from a provider's profile. */
export function withoutCredentials(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutCredentials);
  const kept: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (!isCredential(name)) kept[name] = withoutCredentials(member);
  }
  return kept;
}
