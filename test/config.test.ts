import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { ConfigError, readConfig, VARIABLES } from '../src/config';
import { ROOT } from './support/process';

const SECRET = 'sentinel-secret-0123456789';
const ROUTER_SECRET = 'router-sentinel-0123456789-0123456789';
const MINIMAL = {
  GENAUTH_ACCESS_KEY_ID: 'key',
  GENAUTH_ACCESS_KEY_SECRET: SECRET,
  ROUTER_SECRETS: ROUTER_SECRET,
  JWT_ISSUER: 'https://id.example.com/oidc',
  JWT_AUDIENCE: 'supergraph',
};

function noFile(): string {
  throw Object.assign(new Error('nothing there'), { code: 'ENOENT' });
}

function problemsOf(environment: Record<string, string>, readFile = noFile): readonly string[] {
  try {
    readConfig(environment, readFile);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  test('requires the access key and the credentials of callers, and has defaults for everything else', () => {
    expect(readConfig(MINIMAL, noFile)).toEqual({
      host: '127.0.0.1',
      port: 4001,
      admin: { host: '127.0.0.1', port: 4002 },
      drainDelayMs: 5_000,
      drainTimeoutMs: 25_000,
      management: {
        origin: 'https://api.genauth.ai',
        accessKey: { accessKeyId: 'key', accessKeySecret: SECRET },
        authentication: 'signature',
        brand: 'genauth',
        lang: 'en-US',
        userPoolId: null,
        idPattern: '^[0-9a-f]{24}$',
        connectTimeoutMs: 1_000,
        readTimeoutMs: 4_000,
        writeTimeoutMs: 6_000,
        maxConcurrency: 64,
        maxQps: 200,
      },
      valkeyUrl: null,
      requestDeadlineMs: 9_000,
      callers: {
        mode: 'strict',
        routerSecrets: [ROUTER_SECRET],
        tokens: { issuer: 'https://id.example.com/oidc', audience: ['supergraph'], jwksUri: null },
      },
      policy: {
        scopeRead: 'identity:read',
        scopeUnlink: 'identity:unlink',
        scopeLink: 'identity:link',
        scopeSessions: 'identity:sessions',
        selfUnlink: 'allow',
        selfUnlinkMaxAgeMs: 0,
      },
      appIds: [],
      lastIdentityGuard: 'self',
      auditLog: 'stdout',
      keepAliveMs: 75_000,
      maxInFlight: 256,
      maxMutationFields: 1,
      introspection: false,
      executor: 'fast',
      logLevel: 'info',
    });
  });

  test('is frozen', () => {
    const config = readConfig(MINIMAL, noFile);
    expect(Object.isFrozen(config) && Object.isFrozen(config.management)).toBe(true);
    expect(Object.isFrozen(config.management.accessKey)).toBe(true);
  });

  test('reports all invalid variables at once, by name and never by value', () => {
    const environment = {
      HOST: '0.0.0.0',
      AUTH_MODE: 'none',
      ROUTER_SECRETS: `${ROUTER_SECRET},sentinel`,
      JWT_ISSUER: 'http://sentinel.example.com',
      SCOPE_READ: 'sentinel two',
      MAX_IN_FLIGHT: '0',
      PORT: '65536',
      GENAUTH_HOST: 'https://user:sentinel@api.genauth.ai/path',
      GENAUTH_ACCESS_KEY_ID: 'sentinel:with colon',
      GENAUTH_AUTH: 'sentinel',
      GENAUTH_ID_PATTERN: '(sentinel',
      VALKEY_URL: 'https://:sentinel@valkey.example.com',
      REQUEST_DEADLINE_MS: '1e9',
      INTROSPECTION: 'sentinel',
    };
    const problems = problemsOf(environment);
    expect(problems.map((text) => text.split(' ')[0]).sort()).toEqual(
      [...Object.keys(environment).filter((name) => name !== 'AUTH_MODE'), 'GENAUTH_ACCESS_KEY_SECRET'].sort(),
    );
    expect(problems.join('\n')).not.toMatch(/sentinel|0\.0\.0\.0|65536|1e9/);
  });

  test.each(['GENAUTH_ACCESS_KEY_ID', 'GENAUTH_ACCESS_KEY_SECRET'])('requires %s', (name) => {
    expect(problemsOf({ ...MINIMAL, [name]: '' })).toEqual([`${name} is required`]);
  });

  test('treats an empty variable as not set', () => {
    expect(readConfig({ ...MINIMAL, PORT: '', LOG_LEVEL: '' }, noFile)).toMatchObject({ port: 4001, logLevel: 'info' });
  });

  test('reads a secret from a file, without the newline at its end', () => {
    const { GENAUTH_ACCESS_KEY_SECRET: _secret, ...others } = MINIMAL;
    const environment = { ...others, GENAUTH_ACCESS_KEY_SECRET_FILE: '/run/secrets/key' };
    const config = readConfig(environment, (path) => (path === '/run/secrets/key' ? `${SECRET}\n` : ''));
    expect(config.management.accessKey.accessKeySecret).toBe(SECRET);
  });

  test('reports a secret file that cannot be read once', () => {
    const { GENAUTH_ACCESS_KEY_SECRET: _secret, ...others } = MINIMAL;
    expect(problemsOf({ ...others, GENAUTH_ACCESS_KEY_SECRET_FILE: '/sentinel' })).toEqual([
      'GENAUTH_ACCESS_KEY_SECRET_FILE cannot be read (ENOENT)',
    ]);
  });

  test('refuses a secret with both a value and a file', () => {
    expect(problemsOf({ ...MINIMAL, GENAUTH_ACCESS_KEY_SECRET_FILE: '/a' }, () => SECRET)).toEqual([
      'GENAUTH_ACCESS_KEY_SECRET and GENAUTH_ACCESS_KEY_SECRET_FILE are both set: set one of them',
    ]);
  });

  test.each([
    ['strict', ['ROUTER_SECRETS', 'JWT_ISSUER', 'JWT_AUDIENCE']],
    ['router', ['ROUTER_SECRETS']],
    ['jwt', ['JWT_ISSUER', 'JWT_AUDIENCE']],
    ['none', []],
  ])('reports the variables that AUTH_MODE %s requires', (mode, names) => {
    const { GENAUTH_ACCESS_KEY_ID, GENAUTH_ACCESS_KEY_SECRET } = MINIMAL;
    const problems = problemsOf({ GENAUTH_ACCESS_KEY_ID, GENAUTH_ACCESS_KEY_SECRET, AUTH_MODE: mode });
    expect(problems).toEqual(names.map((name) => `${name} is required where AUTH_MODE is ${mode}`));
  });

  test('allows other hosts than loopback only if callers are authenticated', () => {
    expect(problemsOf({ ...MINIMAL, HOST: '0.0.0.0' })).toEqual([]);
    expect(problemsOf({ ...MINIMAL, HOST: '0.0.0.0', AUTH_MODE: 'none' })).toEqual([
      'HOST must be a loopback address where AUTH_MODE is none',
    ]);
  });

  test('accepts several router secrets and several audiences', () => {
    const { callers } = readConfig(
      { ...MINIMAL, ROUTER_SECRETS: `${ROUTER_SECRET}, ${ROUTER_SECRET}2`, JWT_AUDIENCE: 'a,b' },
      noFile,
    );
    expect(callers.routerSecrets).toEqual([ROUTER_SECRET, `${ROUTER_SECRET}2`]);
    expect(callers.tokens?.audience).toEqual(['a', 'b']);
  });

  test('takes several applications, each once', () => {
    expect(readConfig({ ...MINIMAL, GENAUTH_APP_IDS: 'a1, b_2,a1' }, noFile).appIds).toEqual(['a1', 'b_2']);
    expect(problemsOf({ ...MINIMAL, GENAUTH_APP_IDS: 'a1,' })).toEqual([
      'GENAUTH_APP_IDS must be one or more application ids, separated by commas, each of 1 to 128 letters, digits, "_" or "-"',
    ]);
  });

  test('takes the scopes and the maximum age of a sign-in for the policy', () => {
    const environment = { SCOPE_LINK: 'link', SCOPE_SESSIONS: 'sessions', SELF_UNLINK_MAX_AGE_MS: '300000' };
    expect(readConfig({ ...MINIMAL, ...environment }, noFile).policy).toMatchObject({
      scopeLink: 'link',
      scopeSessions: 'sessions',
      selfUnlinkMaxAgeMs: 300_000,
    });
    expect(problemsOf({ ...MINIMAL, SCOPE_LINK: 'a b', SCOPE_SESSIONS: 'é', SELF_UNLINK_MAX_AGE_MS: '-1' })).toEqual([
      'SCOPE_LINK must be one scope',
      'SCOPE_SESSIONS must be one scope',
      'SELF_UNLINK_MAX_AGE_MS must be a whole number from 0 to 604800000',
    ]);
  });

  test.each([
    ['https://api.genauth.ai', 'https://api.genauth.ai'],
    ['https://api.genauth.ai/', 'https://api.genauth.ai'],
    ['http://127.0.0.1:4010', 'http://127.0.0.1:4010'],
    ['http://localhost:4010', 'http://localhost:4010'],
    ['http://[::1]:4010', 'http://[::1]:4010'],
  ])('accepts %s as the address of GenAuth', (given, origin) => {
    expect(readConfig({ ...MINIMAL, GENAUTH_HOST: given }, noFile).management.origin).toBe(origin);
  });

  test.each([
    'http://api.genauth.ai',
    'http://127.0.0.1.example.com',
    'ftp://api.genauth.ai',
    'https://api.genauth.ai/v3',
    'https://api.genauth.ai?x=1',
    'https://key@api.genauth.ai',
    'api.genauth.ai',
  ])('refuses %s as the address of GenAuth', (given) => {
    expect(problemsOf({ ...MINIMAL, GENAUTH_HOST: given })).toEqual([
      'GENAUTH_HOST must be an https: origin without a path; http: is accepted for loopback alone',
    ]);
  });

  test.each([
    'redis://127.0.0.1:6379',
    'rediss://user:secret@valkey.example.com/2',
    'valkey://valkey',
    'valkeys://[::1]:6379/',
  ])('accepts %s as the address of Valkey', (given) => {
    expect(readConfig({ ...MINIMAL, VALKEY_URL: given }, noFile).valkeyUrl).toBe(given);
    const fromFile = readConfig({ ...MINIMAL, VALKEY_URL_FILE: '/run/secrets/valkey' }, () => `${given}\n`);
    expect(fromFile.valkeyUrl).toBe(given);
  });

  test.each(['https://valkey', 'valkey', 'redis:', 'redis://', 'redis://valkey/name', 'redis://valkey?db=1'])(
    'refuses %s as the address of Valkey',
    (given) => {
      expect(problemsOf({ ...MINIMAL, VALKEY_URL: given })).toEqual([
        'VALKEY_URL must be a redis:, rediss:, valkey: or valkeys: URL with a host, and a database number at most',
      ]);
    },
  );

  test('has exactly the variables of .env.example, with the same defaults', () => {
    const text = readFileSync(join(ROOT, '.env.example'), 'utf8');
    // Defaults are commented out, so that the file can be copied unchanged.
    const shown = parseEnv(text.replace(/^# ?(?=[A-Z_]+=)/gm, ''));
    expect(Object.keys(shown).sort()).toEqual([...VARIABLES].sort());
    const asShown = readConfig({ ...shown, ...MINIMAL }, noFile);
    expect(asShown).toEqual(readConfig(MINIMAL, noFile));
  });
});
