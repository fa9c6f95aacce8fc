import type { Caller } from '../../src/callers';
import type { UserRow } from '../users';
import {
  aliasedUser,
  pageUser,
  plainUser,
  removedIdentity,
  unlinkedUser,
  userWithoutConnections,
  userWithProfiles,
} from './fields';
import { createGenAuth, MAX_BATCH } from './genauth';
import type { Guard } from './guard';

/** A request of the benchmark. */
export interface Body {
  query: string;
  variables: {
    representations?: Representation[];
    userId: string;
    extIdpId: string;
    userIdsInIdp: string[];
    connections?: boolean;
  };
}

interface Representation {
  id: string;
}

/** A caller, and what checks and records the caller's requests. Null: nothing does. */
export type Guarded = { guard: Guard; caller: Caller } | null;

const genauth = createGenAuth();

/** Does the work of a request by hand. It recognizes the operations of the benchmark by their shape. */
export function execute(body: Body, guarded: Guarded): Promise<object> {
  const { query, variables } = body;
  if (query.startsWith('mutation')) return unlink(body, guarded);
  if (query.includes('usersByIdentity')) return owners(body, guarded);
  return variables.representations === undefined
    ? lists(variables as unknown as Record<string, Representation[]>, guarded)
    : entities(query, variables.representations, variables.connections, guarded);
}

async function unlink({ query, variables: { userId, extIdpId } }: Body, guarded: Guarded): Promise<object> {
  if (guarded === null) {
    // What GenAuth says is taken for the result.
    const { data, requestId = null, apiCode = null } = await genauth.unlinkIdentity({ userId, extIdpId });
    return { unlinkIdentity: { success: data.success, requestId, apiCode } };
  }
  const { guard, caller } = guarded;
  const result = await guard.unlink(caller, { userId, extIdpId }, genauth);
  const { success, requestId, apiCode, operationId, removed, user } = result;
  if (!query.includes('removed')) return { unlinkIdentity: { success, requestId, apiCode } };
  guard.checkReads(caller, [userId]);
  const context = { sources: await genauth.listSources(), isAllowed: guard.mayUnlink(caller, userId) };
  return {
    unlinkIdentity: {
      success,
      requestId,
      apiCode,
      operationId,
      removed: removed.map((row) => removedIdentity(row, context)),
      user: unlinkedUser(user, context),
    },
  };
}

async function entities(
  query: string,
  representations: readonly Representation[],
  connections: boolean | undefined,
  guarded: Guarded,
): Promise<object> {
  const reading = readUsers(representations, guarded);
  let toUser: (user: UserRow) => object = connections === false ? userWithoutConnections : plainUser;
  if (query.includes('userInfoInIdp')) toUser = userWithProfiles;
  if (query.includes('unlinkBlockedBy')) {
    const sources = await genauth.listSources();
    toUser = (user) => {
      const isAllowed = guarded === null || guarded.guard.mayUnlink(guarded.caller, user.userId);
      return pageUser(user, { sources, isAllowed });
    };
  }
  const users = await reading;
  return { _entities: representations.map(({ id }) => convert(users.get(id), toUser)) };
}

/** Responds to all lists of an operation from the same calls. */
async function lists(variables: Record<string, Representation[]>, guarded: Guarded): Promise<object> {
  const users = await readUsers(Object.values(variables).flat(), guarded);
  return Object.fromEntries(
    Object.entries(variables).map(([name, representations]) => [
      name.replace('_representations', '__entities'),
      representations.map(({ id }) => convert(users.get(id), aliasedUser)),
    ]),
  );
}

async function owners({ variables: { extIdpId, userIdsInIdp } }: Body, guarded: Guarded): Promise<object> {
  const found = new Map<string, UserRow>();
  for (const user of await genauth.getOwners(extIdpId, userIdsInIdp)) {
    guarded?.guard.checkReads(guarded.caller, [user.userId]);
    for (const identity of user.identities) {
      if (identity.extIdpId === extIdpId) found.set(identity.userIdInIdp, user);
    }
  }
  return { usersByIdentity: userIdsInIdp.map((account) => convert(found.get(account), plainUser)) };
}

async function readUsers(
  representations: readonly Representation[],
  guarded: Guarded,
): Promise<ReadonlyMap<string, UserRow>> {
  const ids = representations.map(({ id }) => id);
  guarded?.guard.checkReads(guarded.caller, ids);
  const batches: Promise<UserRow[]>[] = [];
  for (let start = 0; start < ids.length; start += MAX_BATCH) {
    batches.push(genauth.getUserBatch(ids.slice(start, start + MAX_BATCH)));
  }
  return new Map((await Promise.all(batches)).flat().map((user) => [user.userId, user]));
}

function convert(user: UserRow | undefined, toUser: (user: UserRow) => object): object | null {
  return user === undefined ? null : toUser(user);
}
