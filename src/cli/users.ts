import { type IdentityUsersQuery, IdentityUsersDocument, UsersByIdentityDocument } from '../client';
import { UnavailableError } from './errors';
import { type Body, retryAfter, type Supergraph } from './supergraph';
import { printable } from './terminal';

export type User = NonNullable<IdentityUsersQuery['identityUsers'][number]>;
export type Identity = NonNullable<User['identities']>[number];

/** A user whose identities could be read. */
export interface ReadUser extends User {
  identities: readonly Identity[];
}

/** Null: there is no such user, or the account has no owner. A text: the code of the error because of which nothing is known. */
export type UserRead = ReadUser | null | string;

/** The users that the subgraph reads with one call to GenAuth. */
export const BATCH = 50;

/** Reads up to `BATCH` users by their ids, in the same order. @throws {StopError} */
export function readUsers(supergraph: Supergraph, ids: readonly string[]): Promise<UserRead[]> {
  return readAll(supergraph, ids, 'identityUsers', async (some) => {
    const body = await supergraph.query(IdentityUsersDocument, { ids: some });
    return { ...body, users: body.data?.identityUsers ?? [] };
  });
}

/** Reads the owners of up to `BATCH` accounts at a source, in the same order. @throws {StopError} */
export function readOwners(supergraph: Supergraph, extIdpId: string, accounts: readonly string[]): Promise<UserRead[]> {
  return readAll(supergraph, accounts, 'usersByIdentity', async (some) => {
    const body = await supergraph.query(UsersByIdentityDocument, { extIdpId, userIdsInIdp: some });
    return { ...body, users: body.data?.usersByIdentity ?? [] };
  });
}

/** A response with the users that were requested, in the same order. */
interface Batch extends Pick<Body<unknown>, 'errors'> {
  users: readonly (User | null)[];
}

/** Repeats the part of a read that failed transiently. */
async function readAll(
  supergraph: Supergraph,
  keys: readonly string[],
  field: string,
  read: (keys: readonly string[]) => Promise<Batch>,
): Promise<UserRead[]> {
  const reads = new Map<string, UserRead>();
  const { attempts, pace } = supergraph;
  const { successes } = pace;
  let left = keys;
  let alone = false;
  for (let attempt = 1; left.length > 0; attempt++) {
    let pauseMs: number | undefined;
    const again: string[] = [];
    for (const some of alone ? left.map((key) => [key]) : [left]) {
      const batch = await read(some);
      some.forEach((key, index) => {
        const item = toItem(batch, index, field, some.length);
        if (item === 'ambiguous') {
          alone = true;
          again.push(key);
        } else if (isFailed(item)) {
          const afterMs = retryAfter(item.code, item.retryAfterMs);
          if (afterMs === undefined || attempt >= attempts) {
            // Without any success meanwhile, the fault is not that of one user.
            if (afterMs !== undefined && pace.successes === successes) throw unreadable(item.code);
            reads.set(key, item.code);
          } else {
            pauseMs = Math.max(afterMs, pauseMs ?? 0);
            again.push(key);
          }
        } else {
          reads.set(key, item);
        }
      });
    }
    if (again.length < left.length) pace.succeeded();
    if (pauseMs !== undefined) pace.pause(pauseMs);
    left = again;
  }
  return keys.map((key) => reads.get(key) ?? null);
}

function unreadable(code: string): UnavailableError {
  return new UnavailableError(`No user can be read (${printable(code)}).`);
}

interface Failed {
  code: string;
  retryAfterMs: number | undefined;
}

function isFailed(item: ReadUser | Failed | null): item is Failed {
  return item !== null && 'code' in item;
}

/**
 * Returns an item of a batch. `ambiguous`: it is null, and an error does not say to which item it belongs, as in some routers.
 */
function toItem(
  { users, errors = [] }: Batch,
  index: number,
  field: string,
  size: number,
): ReadUser | Failed | null | 'ambiguous' {
  const user = users[index] ?? null;
  if (user !== null && user.identities !== null) return user as ReadUser;
  const ofItem = errors.filter(({ path = [] }) => path[0] === field && path[1] === index);
  const ofAny = errors.filter(({ path = [] }) => path[0] === undefined || typeof path[1] !== 'number');
  const [error] = ofItem.length > 0 || (user === null && size > 1) ? ofItem : ofAny;
  if (error !== undefined) {
    const { code, retryAfterMs } = error.extensions ?? {};
    return {
      code: typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR',
      retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
    };
  }
  if (user !== null) return { code: 'INTERNAL_SERVER_ERROR', retryAfterMs: undefined };
  return ofAny.length > 0 && size > 1 ? 'ambiguous' : null;
}
