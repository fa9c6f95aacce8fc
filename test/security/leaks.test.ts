import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Emulator, type Fault, type Seed, startEmulator } from '../../src/emulator';
import { ManagementClient, ManagementError } from '../../src/genauth';
import { type Issuer, startIssuer } from '../support/issuer';
import { type Main, startMain } from '../support/main';
import { JSON_TYPE, request, send } from '../support/rawHttp';
import { credentials, ENTITIES, post, representations, ROUTER_SECRET, strictEnv, UNLINK } from '../support/stack';

const ACCESS_KEY = { accessKeyId: 'aaaaaaaaaaaaaaaaaaaaaaa1', accessKeySecret: 'sentinel-access-key-secret' };
const SECOND_SECRET = 'sentinel-second-secret-of-the-router';
const USER = '6229ffa1c05e6bfcade3e3d1';
const LONER = '6229ffa1c05e6bfcade3e3d2';
const SOURCE = '62f20932716fbcc10d966ee6';
const SECOND_SOURCE = '62f20932716fbcc10d966ee7';

const SEED: Seed = {
  extIdps: [
    { id: SOURCE, name: 'sentinel-source', type: 'github' },
    { id: SECOND_SOURCE, name: 'sentinel-source', type: 'google' },
  ],
  users: [
    {
      id: USER,
      name: 'personal-name',
      email: 'personal@example.com',
      phone: '13800009999',
      identities: [SOURCE, SECOND_SOURCE].map((extIdpId) => ({
        extIdpId,
        userIdInIdp: `personal-${extIdpId}`,
        accessToken: 'sentinel-token-of-the-row',
        refreshToken: 'sentinel-refresh-of-the-row',
        userInfoInIdp: {
          login: 'personal-login',
          accessToken: 'sentinel-token-in-info',
          deep: [{ oauth: { 'refresh-token': 'sentinel-refresh-in-info', session_key: 'sentinel-session' } }],
          __proto__x: { client_secret: 'sentinel-client-secret', password: 'sentinel-password' },
        },
      })),
    },
    { id: LONER, name: 'personal-loner', identities: [{ extIdpId: SOURCE, userIdInIdp: 'personal-loner' }] },
  ],
};

const FAULTS: Fault[] = [
  'http-503',
  'http-429:1',
  'http-401',
  'envelope-401/1302',
  'envelope-500',
  'envelope-403/1576',
  'success-false',
  'redirect',
  'reset-before-execute',
  'reset-after-execute',
  'half-close',
  'truncated-body',
  'truncated-json',
  'not-json',
  'empty',
  'wrong-shape',
  'no-data',
  'user-mismatch',
  'gzip-anyway',
  'garbage',
];

const HOSTILE = [
  '{"query": sentinel-body',
  '[{"query":"{ sentinel }"}]',
  '{"query":"{ sentinel("}',
  '{"query":"{ sentinel }"}',
  '{"query":"{ __schema { types { name } } }"}',
  '{"query":"{ __typename }","operationName":"sentinel"}',
  '{"query":"{ __typename }","__proto__":{"sentinel":1}}',
  '{"query":"mutation { unlinkIdentity(userId: {sentinel: \\"sentinel\\"}, extIdpId: 1) { success } }"}',
  '{"query":"query ($a: ID!) { _entities(representations: [{id: $a}]) { __typename } }","variables":{"a":{"sentinel":"sentinel"}}}',
  '{"query":"query ($a: Boolean!) { __typename @skip(if: $a) }","variables":{"a":"sentinel"}}',
  JSON.stringify({
    query: ENTITIES,
    variables: { representations: [{ __typename: 'sentinel', id: 'sentinel' }, 'sentinel'] },
  }),
  JSON.stringify({ query: UNLINK, variables: { userId: 'sentinel', extIdpId: 'sentinel&a=b', type: 'sentinel\n' } }),
];

describe('a process, after a mix of operations, faults and rejections', () => {
  let emulator: Emulator;
  let issuer: Issuer;
  let main: Main;
  let folder: string;
  let audit = '';
  let exitCode: number | null;
  const tokens: string[] = [];
  const answers: string[] = [];

  beforeAll(async () => {
    emulator = await startEmulator({ seed: SEED, accessKey: ACCESS_KEY, qps: Infinity });
    issuer = await startIssuer();
    folder = await mkdtemp(join(tmpdir(), 'leaks-'));
    main = await startMain(emulator, {
      ...strictEnv(issuer),
      LOG_LEVEL: 'trace',
      ROUTER_SECRETS: `${ROUTER_SECRET},${SECOND_SECRET}`,
      REQUEST_DEADLINE_MS: '1500',
      AUDIT_LOG: join(folder, 'audit.log'),
    });
    await misuse(main.url);
    exitCode = await main.stop();
    audit = await readFile(join(folder, 'audit.log'), 'utf8');
  }, 40_000);
  afterAll(async () => {
    main.child.kill('SIGKILL');
    await rm(folder, { recursive: true });
    await issuer.close();
    await emulator.close();
  });

  async function misuse(origin: string): Promise<void> {
    const postRaw = async (body: string, headers: Record<string, string>) => {
      const response = await post(`${origin}/graphql`, body, headers);
      answers.push(`${JSON.stringify([...response.headers])}\n${await response.text()}`);
    };
    const tokenFor = (claims: Record<string, unknown>) => {
      const token = issuer.token({ sub: USER, name: 'personal-claim', email: 'personal@example.com', ...claims });
      tokens.push(token);
      return token;
    };
    const all = credentials(tokenFor({ scope: 'identity:read identity:unlink' }));
    const ask = (query: string, variables: object, headers = all) =>
      postRaw(JSON.stringify({ query, variables }), headers);

    await ask(ENTITIES, representations([USER, LONER, 'f'.repeat(24)]));
    await ask(ENTITIES, representations([USER, LONER]), credentials(tokenFor({ sub: 'personal-subject' })));
    await ask(UNLINK, { userId: LONER, extIdpId: SOURCE }, credentials(tokenFor({ sub: LONER })));
    await ask(UNLINK, { userId: 'f'.repeat(24), extIdpId: SOURCE });
    for (const claims of [{ exp: 1 }, { aud: 'sentinel' }, { nonce: 'sentinel' }, { scope: { sentinel: 1 } }]) {
      await ask(ENTITIES, representations([USER]), credentials(tokenFor(claims)));
    }
    await ask(ENTITIES, {}, { ...all, 'router-authorization': 'sentinel-wrong-secret-of-the-router' });
    await ask(ENTITIES, {}, { ...all, authorization: 'Basic sentinel' });
    await ask(ENTITIES, representations([USER]), { ...all, 'x-request-id': 'sentinel id', traceparent: 'sentinel' });
    for (const body of HOSTILE) await postRaw(body, all);
    const strange = await send(origin, request('/sentinel?access_token=sentinel', [JSON_TYPE, 'x-sentinel: sentinel']));
    const noHttp = await send(origin, 'sentinel\r\n\r\n');
    answers.push(...[...strange, ...noHttp].map(({ headers, body }) => `${JSON.stringify([...headers])}\n${body}`));
    for (const fault of FAULTS) {
      emulator.faults.set('*', fault, { times: 2 });
      await Promise.all([
        ask(ENTITIES, representations([USER])),
        ask(UNLINK, { userId: USER, extIdpId: SECOND_SOURCE, type: 'nothing' }),
      ]);
    }
    emulator.faults.clear();
    await ask(UNLINK, { userId: USER, extIdpId: SOURCE });
    issuer.misbehaviour.jwks = { body: 'sentinel' };
    await ask(ENTITIES, representations([USER]), credentials(issuer.token({}, { header: { kid: 'sentinel' } })));
    await emulator.close();
    await ask(ENTITIES, representations([USER]));
    await ask(UNLINK, { userId: USER, extIdpId: SECOND_SOURCE });
    emulator = await startEmulator({ seed: SEED });
  }

  const log = () => main.output();

  test('has sent, logged and recorded something of every kind', () => {
    const codes = new Set([...answers.join('\n').matchAll(/"code":"(\w+)"/g)].map(([, code]) => code));
    expect([...codes]).toEqual(
      expect.arrayContaining(['UNAUTHENTICATED', 'FORBIDDEN', 'BAD_USER_INPUT', 'UPSTREAM_AUTH_FAILED', 'BAD_REQUEST']),
    );
    expect(answers.some((answer) => answer.includes('personal-login'))).toBe(true);
    expect(log().split('\n').length).toBeGreaterThan(20);
    expect(audit).toMatch(/"unlink\.intent"[^]*"unlink\.outcome"/);
  });

  test('has not responded with INTERNAL_SERVER_ERROR, and has exited cleanly', () => {
    expect(exitCode).toBe(0);
    expect(answers.filter((answer) => answer.includes('INTERNAL_SERVER_ERROR'))).toEqual([]);
  });

  test.each([
    ['a secret of its own', () => [ACCESS_KEY.accessKeySecret, ROUTER_SECRET, SECOND_SECRET]],
    [
      'a token of a caller',
      () => tokens.flatMap((token) => [token, token.split('.')[2] ?? '', token.split('.')[1] ?? '']),
    ],
    ['a credential of an identity', () => ['sentinel-']],
  ])('has put %s nowhere', (_what, secrets) => {
    const everything = [...answers, log(), audit].join('\n');
    expect(secrets().filter((secret) => everything.includes(secret))).toEqual([]);
  });

  test('has repeated nothing from a request that it rejected', () => {
    // Validation messages contain the name of a field, which cannot hold more than a name.
    const repeated = answers.filter((answer) =>
      answer.replaceAll('Cannot query field \\"sentinel\\"', '').includes('sentinel'),
    );
    expect(repeated).toEqual([]);
    expect(log().includes('sentinel')).toBe(false);
  });

  test('has written personal data to responses only', () => {
    for (const text of [log(), audit]) expect(text.match(/personal-(?!subject)\w+|personal@|13800009999/g)).toBeNull();
  });

  test('has written user ids to responses and the audit trail only', () => {
    expect(audit).toContain(USER);
    expect([USER, LONER, 'personal-subject'].filter((id) => log().includes(id))).toEqual([]);
  });

  test('has sent GenAuth’s host, messages and paths to no caller', () => {
    const leaked = answers.filter((answer) => /127\.0\.0\.1|\/api\/v3|node_modules|at \w+ \(|<html|用户/.test(answer));
    expect(leaked).toEqual([]);
  });
});

/** Returns everything that can be reached from a value: own fields, including those that are not enumerable, and causes. */
function reachable(value: unknown, seen = new Set<unknown>()): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || seen.has(value)) return '';
  seen.add(value);
  return Reflect.ownKeys(value)
    .map((key) => `${String(key)}=${reachable(Reflect.get(value, key), seen)}`)
    .join('\n');
}

describe('an error of the management API', () => {
  test.each(['signature', 'token'] as const)('contains no secret in any property, with %s', async (authentication) => {
    const emulator = await startEmulator({ seed: SEED, accessKey: ACCESS_KEY });
    const management = new ManagementClient({
      origin: emulator.url,
      accessKey: ACCESS_KEY,
      authentication,
      brand: 'genauth',
      lang: 'en-US',
      userPoolId: null,
      idPattern: '^[0-9a-f]{24}$',
      connectTimeoutMs: 1_000,
      readTimeoutMs: 300,
      writeTimeoutMs: 300,
      maxConcurrency: 8,
      maxQps: 100_000,
    });
    const [userId, extIdpId] = [management.parseId('userId', USER), management.parseId('extIdpId', SOURCE)];
    const errors: unknown[] = [];
    for (const fault of FAULTS) {
      emulator.faults.set('*', fault, { times: 4 });
      const signal = AbortSignal.timeout(2_000);
      await management
        .unlinkIdentity({ userId, extIdpId }, { deadline: signal, idempotencyKey: 'operation-1' })
        .catch((error: unknown) => errors.push(error));
      await management.getUserBatch([userId], { deadline: signal }).catch((error: unknown) => errors.push(error));
    }
    await emulator.close();
    await management
      .unlinkIdentity({ userId, extIdpId }, { deadline: AbortSignal.timeout(2_000), idempotencyKey: 'operation-1' })
      .catch((e: unknown) => errors.push(e));
    await management.close();
    expect(errors.length).toBeGreaterThan(FAULTS.length / 2);
    for (const error of errors) {
      expect(error).toBeInstanceOf(ManagementError);
      expect(reachable(error)).not.toMatch(/sentinel|personal|Bearer |authorization/i);
    }
  });
});
