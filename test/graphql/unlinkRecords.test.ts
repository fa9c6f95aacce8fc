import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { auditTrail, type Fixture } from '../faults/fixtures';
import { type Stack, startStack, UNLINK, type UnlinkAnswer } from '../support/stack';

interface Record {
  event: string;
  operationId: string;
  requestId: string | null;
  outcome?: string;
  removed?: { id: string; type: string }[] | null;
}

describe('the records of an unlink', () => {
  let stack: Stack;
  let path: string;
  let trail: Fixture;
  const log: { requestId?: string; operationId?: string | null }[] = [];

  beforeEach(async () => {
    trail = await auditTrail();
    path = trail.env['AUDIT_LOG'] ?? '';
    log.length = 0;
    const write = (line: string): void => void log.push(JSON.parse(line) as (typeof log)[number]);
    stack = await startStack({
      env: { ...trail.env, MAX_MUTATION_FIELDS: '2' },
      log: pino({ level: 'info' }, { write }),
    });
  });
  afterEach(() => trail.close());

  const unlink = (variables: object, query = UNLINK) =>
    stack.ask<UnlinkAnswer>(query, { ...variables }, { 'x-request-id': 'router-7' });

  async function records(): Promise<Record[]> {
    await stack.close();
    return (await readFile(join(path), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record);
  }

  function target(): { userId: string; extIdpId: string } {
    const user = stack.emulator.store.users().find(({ identities }) => identities.length > 1);
    return { userId: user?.profile.userId ?? '', extIdpId: user?.identities[0]?.extIdpId ?? '' };
  }

  test('share the operation id with the payload, the log and the idempotency keys, and the request id with the router', async () => {
    const { data } = await unlink(target());
    const operationId = data?.unlinkIdentity?.operationId ?? '';
    const keys = stack.emulator.store.executions.map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([operationId, `${operationId}-2`]);
    expect(log.filter((line) => 'operationId' in line)).toMatchObject([{ requestId: 'router-7', operationId }]);
    const removed = data?.unlinkIdentity?.removed?.map(({ id, type }) => ({ id, type }));
    expect(removed).toHaveLength(2);
    expect(await records()).toMatchObject([
      { event: 'unlink.intent', operationId, requestId: 'router-7' },
      { event: 'unlink.outcome', operationId, requestId: 'router-7', outcome: 'acked', removed },
    ]);
  });

  test('name a removed identity even if another identity of the user has the same id', async () => {
    await stack.close();
    const userId = 'b'.repeat(24);
    const extIdpId = 'a'.repeat(24);
    const rawIdentities = ['openid', 'unionid'].map((type) => ({ identityId: 'i', extIdpId, type }));
    stack = await startStack({
      env: trail.env,
      emulator: {
        seed: { extIdps: [{ id: extIdpId, name: 'WeChat', type: 'wechat' }], users: [{ id: userId, rawIdentities }] },
      },
    });
    const { errors } = await unlink({ userId, extIdpId, type: 'openid' });
    expect(errors).toEqual([]);
    expect((await records()).at(-1)).toMatchObject({ outcome: 'acked', removed: [{ id: 'i', type: 'openid' }] });
  });

  test('have the operation id of an error whose outcome is unknown', async () => {
    stack.emulator.faults.set('unlink-identity', 'reset-before-execute');
    const { errors } = await unlink(target());
    const operationId = errors[0]?.extensions['operationId'];
    expect(log.filter((line) => 'operationId' in line)).toMatchObject([{ operationId }]);
    expect(await records()).toMatchObject([
      { event: 'unlink.intent', operationId },
      { event: 'unlink.outcome', operationId, outcome: 'unknown', removed: [] },
    ]);
  });

  test('of a mutation that is not executed leave the operation id of an earlier mutation in the log', async () => {
    const query = `mutation ($userId: ID!, $extIdpId: ID!) {
      unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { operationId }
      other: unlinkIdentity(userId: "me", extIdpId: $extIdpId) { operationId }
    }`;
    const { data } = await unlink(target(), query);
    const operationId = data?.unlinkIdentity?.operationId;
    expect(log.filter((line) => 'operationId' in line)).toMatchObject([{ operationId }]);
    await stack.close();
  });
});
