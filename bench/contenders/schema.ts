import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import DataLoader from 'dataloader';
import type { Caller } from '../../src/callers';
import { type IdentityRow, labelOf, type SourceRow, type UserRow } from '../users';
import { createGenAuth, MAX_BATCH } from './genauth';
import type { Guard, VerifiedUnlink } from './guard';
import { withoutCredentials } from './profile';
import { canSignInWithout } from './signIn';

/** The context of every peer's resolvers: a textbook subgraph, with a DataLoader for each request. */
export interface Context {
  users: DataLoader<string, UserRow | null>;
  /** Null: the contender does not authenticate callers. */
  guarded: { guard: Guard; caller: Caller } | null;
}

/** An identity with its user, whose other identities are ways to sign in. */
interface Identity extends IdentityRow {
  user: UserRow;
}

interface UnlinkArguments {
  userId: string;
  extIdpId: string;
  type?: string | null;
}

const genauth = createGenAuth();

export function createContext(guarded: Context['guarded'] = null): Context {
  return {
    guarded,
    users: new DataLoader(
      async (ids) => {
        guarded?.guard.checkReads(guarded.caller, ids);
        const users = new Map((await genauth.getUserBatch(ids)).map((row) => [row.userId, row]));
        return ids.map((id) => users.get(id) ?? null);
      },
      { maxBatchSize: MAX_BATCH },
    ),
  };
}

/** Reads the product's SDL. Contenders run in the root of the project. */
export function loadTypeDefs(): string {
  const folder = join(process.cwd(), 'schema');
  const topics = readdirSync(folder).filter((name) => name.endsWith('.graphql'));
  return topics
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
}

export const resolvers = {
  User: {
    __resolveReference: ({ id }: { id: string }) => ({ id }),
    identities: async ({ id }: { id: string }, _args: unknown, { users }: Context) =>
      identitiesOf(await users.load(id)),
    // No application is configured.
    linkableSources: () => null,
  },
  Identity: {
    id: ({ identityId }: IdentityRow) => identityId,
    userInfoInIdp: ({ userInfoInIdp }: IdentityRow) => withoutCredentials(userInfoInIdp),
    label: labelOf,
    source: async ({ extIdpId }: IdentityRow) => (await genauth.listSources()).get(extIdpId) ?? null,
    isLastWayToSignIn: async ({ user, extIdpId }: Identity) =>
      !canSignInWithout(user, extIdpId, await genauth.listSources()),
    unlinkBlockedBy: async ({ user, extIdpId }: Identity, _args: unknown, { guarded }: Context) => {
      if (guarded !== null && !guarded.guard.mayUnlink(guarded.caller, user.userId)) return 'FORBIDDEN';
      return canSignInWithout(user, extIdpId, await genauth.listSources()) ? null : 'LAST_IDENTITY';
    },
  },
  IdentitySource: {
    provider: ({ type }: SourceRow) => type,
  },
  Query: {
    usersByIdentity: async (
      _parent: unknown,
      { extIdpId, userIdsInIdp }: { extIdpId: string; userIdsInIdp: string[] },
      { users, guarded }: Context,
    ) => {
      const owners = new Map<string, UserRow>();
      for (const row of await genauth.getOwners(extIdpId, userIdsInIdp)) {
        guarded?.guard.checkReads(guarded.caller, [row.userId]);
        users.prime(row.userId, row);
        for (const identity of row.identities) {
          if (identity.extIdpId === extIdpId) owners.set(identity.userIdInIdp, row);
        }
      }
      return userIdsInIdp.map((account) => toReference(owners.get(account)));
    },
  },
  UnlinkIdentityPayload: {
    removed: ({ removed, user }: Partial<VerifiedUnlink>) => removed && identitiesOf(user ?? null, removed),
    user: ({ user }: Partial<VerifiedUnlink>) => toReference(user),
  },
  Mutation: {
    unlinkIdentity: async (_parent: unknown, args: UnlinkArguments, { users, guarded }: Context) => {
      if (guarded === null) {
        // As one writes it first: what GenAuth says is taken for the result. There is no `removed` and no `user`.
        const { data, requestId, apiCode } = await genauth.unlinkIdentity(args);
        return { success: data.success, requestId, apiCode };
      }
      const result = await guarded.guard.unlink(guarded.caller, args, genauth);
      users.clear(args.userId).prime(args.userId, result.user);
      return result;
    },
  },
};

function toReference(user: UserRow | undefined): { id: string } | null {
  return user === undefined ? null : { id: user.userId };
}

/** Adds the user to identities. @param identities Default: all of the user. */
function identitiesOf(user: UserRow | null, identities = user?.identities ?? []): Identity[] | null {
  if (user === null) return null;
  for (const identity of identities as Identity[]) identity.user = user;
  return identities as Identity[];
}
