import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  IdentitySourcesDocument,
  IdentityUsersDocument,
  judge,
  judgeUnlink,
  LinkIdentityDocument,
  RevokeSessionsDocument,
  UnlinkIdentityDocument,
  UsersByIdentityDocument,
} from '../../src/client';
import { createPool } from '../../src/emulator';
import { ROOT } from '../support/process';
import { type Stack, startStack, userIdsOf } from '../support/stack';

describe('the operations, against the subgraph', () => {
  let stack: Stack;
  let userIds: string[];
  beforeAll(async () => {
    stack = await startStack({
      emulator: { seed: createPool({ users: 1_000, identitiesPerUser: 2 }), qps: Infinity },
      env: { GENAUTH_READ_TIMEOUT_MS: '60000', REQUEST_DEADLINE_MS: '60000' },
    });
    userIds = userIdsOf(stack.emulator);
  });
  afterAll(() => stack.close());
  jest.setTimeout(60_000);

  test('read 1 000 users, and the owners of 1 000 accounts, as their descriptions say', async () => {
    const users = await stack.ask(IdentityUsersDocument, { ids: userIds });
    expect(users.errors).toEqual([]);
    expect(users.data?.['identityUsers']).toHaveLength(1_000);
    const sources = await stack.ask<{ identitySources: { id: string }[] }>(IdentitySourcesDocument);
    const extIdpId = sources.data?.identitySources[0]?.id;
    const accounts = userIds.map((_id, number) => `user${number}`);
    const owners = await stack.ask(UsersByIdentityDocument, { extIdpId, userIdsInIdp: accounts });
    expect(owners.errors).toEqual([]);
    expect(owners.data?.['usersByIdentity']).toEqual(users.data?.['identityUsers']);
  });

  test('unlink an account, link it again with what was removed, and end sessions', async () => {
    const [userId] = userIds;
    const extIdpId = stack.emulator.store.identitiesOf(userId ?? '')[0]?.extIdpId;
    const unlinked = judgeUnlink(await stack.ask(UnlinkIdentityDocument, { userId, extIdpId }));
    expect(unlinked).toMatchObject({ kind: 'unlinked', removed: [{ extIdpId, userIdInIdp: 'user0' }] });
    const removed = unlinked.kind === 'unlinked' ? unlinked.removed?.[0] : undefined;
    const { type, userIdInIdp } = removed ?? {};
    const linked = await stack.ask(LinkIdentityDocument, { userId, extIdpId, type, userIdInIdp });
    expect(judge(linked, 'linkIdentity')).toMatchObject({ kind: 'done', user: { id: userId } });
    const sessions = await stack.ask(RevokeSessionsDocument, { userId });
    expect(judge(sessions, 'revokeSessions')).toMatchObject({ kind: 'done', applications: 0 });
  });
});

test('the client imports nothing but itself, so that it runs in browsers', () => {
  const folder = join(ROOT, 'src/client');
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const imported = sources.flatMap((source) => [...source.matchAll(/(?:from|import|require\() ?'([^']+)'/g)]);
  expect([...new Set(imported.map(([, path]) => path))].sort()).toEqual([
    '../__generated__/operations',
    '../errorCodes',
    './judge',
    './response',
  ]);
});
