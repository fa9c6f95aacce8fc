import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import DataLoader from 'dataloader';
import type { Caller } from '../../src/callers';
import type { IdentityRow } from '../users';
import { createGenAuth, MAX_BATCH } from './genauth';
import type { Guard } from './guard';
import { withoutCredentials } from './profile';

/** The context of every peer's resolvers: a textbook subgraph, with a DataLoader for each request. */
export interface Context {
  identities: DataLoader<string, IdentityRow[] | null>;
  /** Null: the contender does not authenticate callers. */
  guarded: { guard: Guard; caller: Caller } | null;
}

const genauth = createGenAuth();

export function createContext(guarded: Context['guarded'] = null): Context {
  return {
    guarded,
    identities: new DataLoader(
      async (ids) => {
        const users = new Map((await genauth.getUserBatch(ids)).map((row) => [row.userId, row.identities]));
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
    identities: ({ id }: { id: string }, _args: unknown, { identities }: Context) => identities.load(id),
  },
  Identity: {
    id: ({ identityId }: IdentityRow) => identityId,
    userInfoInIdp: ({ userInfoInIdp }: IdentityRow) => withoutCredentials(userInfoInIdp),
  },
  Mutation: {
    unlinkIdentity: async (
      _parent: unknown,
      { userId, extIdpId, type }: { userId: string; extIdpId: string; type?: string | null },
      { guarded }: Context,
    ) => {
      const unlink = { userId, extIdpId, type: type ?? null };
      const send = () => genauth.unlinkIdentity(unlink);
      const { data, requestId, apiCode } = await (guarded === null
        ? send()
        : guarded.guard.unlink(guarded.caller, unlink, send));
      return { success: data.success, requestId, apiCode, user: { id: userId } };
    },
  },
};
