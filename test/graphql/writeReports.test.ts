import { Writable } from 'node:stream';
import { createLog } from '../../src/log';
import { type Stack, startStack } from '../support/stack';

const USER = '6229ffa1c05e6bfcade3e3d1';
const SOURCE = '62f20932716fbcc10d966ee5';
const APP = '62f2093244fa5cb19f000001';

const LINK = `linkIdentity(userId: "${USER}", extIdpId: "${SOURCE}", userIdInIdp: "octocat") { success operationId }`;
const REVOKE = `revokeSessions(userId: "${USER}") { success operationId applications }`;

describe('a link and a revocation of sessions', () => {
  const lines: string[] = [];
  let stack: Stack;

  beforeAll(async () => {
    const out = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(...chunk.toString().split('\n'));
        done();
      },
    });
    stack = await startStack({
      emulator: {
        seed: {
          extIdps: [{ id: SOURCE, name: 'GitHub', type: 'github' }],
          applications: [{ id: APP, name: 'Shop' }],
          users: [{ id: USER }],
        },
      },
      env: { MAX_MUTATION_FIELDS: '2' },
      log: createLog('info', out),
    });
  });
  beforeEach(() => {
    lines.length = 0;
    stack.emulator.store.signIn(USER, APP);
    stack.emulator.clearCalls();
  });
  afterAll(() => stack.close());

  const logged = (): Record<string, unknown>[] =>
    lines.filter((line) => line.includes('"operation"')).map((line) => JSON.parse(line) as Record<string, unknown>);

  async function counted(name: string): Promise<number> {
    const metrics = await (await fetch(`${stack.subgraph.adminUrl}/metrics`)).text();
    return Number(new RegExp(`^${name}\\{outcome="acked"\\} (\\d+)$`, 'm').exec(metrics)?.[1]);
  }

  test.each([
    ['link', LINK, 'linkIdentity', 'link_outcomes_total'],
    ['sessions', REVOKE, 'revokeSessions', 'session_outcomes_total'],
  ])('are logged and counted by their kind: %s', async (operation, selection, field, metric) => {
    const before = await counted(metric);
    const { data } = await stack.ask<Record<string, { operationId: string }>>(`mutation { ${selection} }`);
    const { calls } = stack.emulator;
    expect(logged()).toMatchObject([
      { operation, outcome: 'ok', calls: calls.length, operationId: data?.[field]?.operationId },
    ]);
    expect(await counted(metric)).toBe(before + 1);
  });

  test('keep the operation id in the log if the next field of the operation has nothing to do', async () => {
    stack.emulator.store.signOut(USER);
    const { data } = await stack.ask<{ linkIdentity: { operationId: string }; revokeSessions: object }>(
      `mutation { ${LINK} ${REVOKE} }`,
    );
    expect(data?.revokeSessions).toEqual({ success: true, operationId: null, applications: 0 });
    expect(logged()).toMatchObject([{ operation: 'link', operationId: data?.linkIdentity.operationId }]);
  });

  test('count as mutation fields, and nothing is sent beyond the limit', async () => {
    const { status, errors } = await stack.ask(`mutation { ${LINK} a: ${REVOKE} b: ${REVOKE} }`);
    expect(status).toBe(400);
    expect(errors[0]?.extensions).toMatchObject({ validationErrorCode: 'TOO_MANY_MUTATIONS' });
    expect(stack.emulator.calls).toEqual([]);
  });

  test('run one after another for one user', async () => {
    stack.emulator.faults.set('link-identity', 'latency:200');
    const answers = await Promise.all([
      stack.ask(`mutation { ${LINK} }`),
      stack.ask(`mutation { ${REVOKE} }`),
      stack.ask(`mutation { ${LINK} }`),
    ]);
    stack.emulator.faults.clear();
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    const writes = ['POST /api/v3/link-identity', 'POST /api/v3/kick-users'];
    const reads = ['GET /api/v3/get-user-batch', 'POST /api/v3/check-session-status'];
    const order = stack.emulator.calls
      .map(({ route }) => route ?? '')
      .filter((route) => [...writes, ...reads].includes(route));
    // Each write is verified before the next one is sent.
    expect(order).toHaveLength(6);
    order.forEach((route, index) => expect((index % 2 === 0 ? writes : reads).includes(route)).toBe(true));
  });
});
