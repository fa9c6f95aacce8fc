import { EXIT, type ExitCode } from './errors';
import type { Supergraph } from './supergraph';
import { complain, print, printable, table } from './terminal';
import { BATCH, type Identity, readUsers, type UserRead } from './users';

export interface ListCommand {
  userIds: readonly string[];
  json: boolean;
}

/** Prints the identities of users. */
export async function list({ userIds, json }: ListCommand, supergraph: Supergraph): Promise<ExitCode> {
  const reads: UserRead[] = [];
  for (let at = 0; at < userIds.length; at += BATCH) {
    reads.push(...(await readUsers(supergraph, userIds.slice(at, at + BATCH))));
  }
  const unreadable = userIds.flatMap((id, index) => {
    const read = reads[index];
    return typeof read === 'string' ? [`${printable(id)} cannot be read (${printable(read)}).`] : [];
  });
  unreadable.forEach(complain);
  if (json) print(JSON.stringify(reads.map((read) => (typeof read === 'string' ? null : read))));
  else print(table([HEADING, ...userIds.flatMap((id, index) => rowsOf(id, reads[index] ?? null))]));
  return unreadable.length === 0 ? EXIT.done : EXIT.left;
}

export const HEADING = ['USER', 'SOURCE', 'LABEL', 'TYPE', 'ACCOUNT', 'NOTE'];

function rowsOf(id: string, read: UserRead): string[][] {
  if (typeof read === 'string') return [[id, '', '', '', '', `cannot be read (${read})`]];
  if (read === null) return [[id, '', '', '', '', 'no such user']];
  if (read.identities.length === 0) return [[id, '', '', '', '', 'nothing linked']];
  return read.identities.map((identity) => rowOf(id, identity));
}

/** Returns the row of an identity. A source that GenAuth no longer lists has no name. */
export function rowOf(
  userId: string,
  { source, provider, extIdpId, label, type, userIdInIdp, isLastWayToSignIn }: Identity,
): string[] {
  const name = source?.name ?? `${provider ?? 'unknown'} (${extIdpId ?? 'no source'})`;
  return [userId, name, label ?? '', type, userIdInIdp ?? '', isLastWayToSignIn === true ? 'last way to sign in' : ''];
}
