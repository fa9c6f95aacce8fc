import {
  createTokenVerifier,
  KeysUnavailableError,
  type TokenVerifier,
  type TokenVerifierOptions,
} from '../../src/callers';
import { AUDIENCE, type Issuer, type Misbehaviour, startIssuer, SUBJECT } from '../support/issuer';

let issuer: Issuer;
let verifier: TokenVerifier | undefined;
let elapsedMs: number;
let failures: string[];

beforeEach(async () => {
  issuer = await startIssuer();
  elapsedMs = 0;
  failures = [];
});

afterEach(async () => {
  await verifier?.close();
  await issuer.close();
});

function create(options: Partial<TokenVerifierOptions> = {}): TokenVerifier {
  verifier = createTokenVerifier({
    issuer: issuer.url,
    audience: [AUDIENCE],
    jwksUri: issuer.jwksUri,
    clock: { epochMs: () => Date.now(), elapsedMs: () => elapsedMs },
    onKeysFailure: (error) => failures.push(error.reason),
    ...options,
  });
  return verifier;
}

async function started(options?: Partial<TokenVerifierOptions>): Promise<TokenVerifier> {
  const made = create(options);
  await made.start();
  return made;
}

function outcome(made: TokenVerifier, token = issuer.token()): Promise<string> {
  return made.verify([`Bearer ${token}`]).then(
    () => 'accepted',
    (error: { reason: string }) => error.reason,
  );
}

describe('the first keys', () => {
  test('come from the place that the discovery document names', async () => {
    const made = await started({ jwksUri: null });
    expect(made.ready()).toBe(true);
    expect((await made.verify([`Bearer ${issuer.token()}`])).sub).toBe(SUBJECT);
    expect(issuer.fetches).toEqual({ discovery: 1, jwks: 1 });
  });

  test('come straight from a place that is given', async () => {
    const made = await started();
    expect(await outcome(made)).toBe('accepted');
    expect(issuer.fetches).toEqual({ discovery: 0, jwks: 1 });
  });

  test('are waited for by the tokens that come before them, with one fetch for all', async () => {
    const made = create();
    const starting = Promise.all([made.start(), made.start()]);
    expect(made.ready()).toBe(false);
    const token = issuer.token();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcome(made, token)));
    await starting;
    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(issuer.fetches.jwks).toBe(1);
  });

  test('are missing until it is started', async () => {
    await expect(create().verify([`Bearer ${issuer.token()}`])).rejects.toThrow(KeysUnavailableError);
    expect(issuer.fetches.jwks).toBe(0);
  });

  test('are not looked for on behalf of garbage', async () => {
    expect(
      await create()
        .verify(['Bearer garbage'])
        .catch((error: Error) => error.name),
    ).toBe('UnauthenticatedError');
  });

  const GZIP = { 'content-encoding': 'gzip' };
  test.each<[string, string, Misbehaviour]>([
    ['an error', 'status', { status: 503 }],
    ['a redirect, which is not followed', 'status', { status: 302 }],
    ['a broken connection', 'unreachable', 'reset'],
    ['silence', 'timeout', 'hang'],
    ['a page', 'malformed', { body: '<html>' }],
    ['a list', 'malformed', { body: '[]' }],
    ['no keys', 'malformed', { body: '{"keys":[]}' }],
    ['keys that are not a list', 'malformed', { body: '{"keys":{}}' }],
    ['keys of other kinds only', 'malformed', { body: '{"keys":[{"kty":"oct","k":"AA","kid":"first"},null,1]}' }],
    ['something compressed', 'malformed', { body: '{"keys":[]}', headers: GZIP }],
    ['more than 256 KiB', 'too_large', { body: `{"keys":[],"x":"${'x'.repeat(256 * 1024)}"}` }],
  ])('are unavailable when the issuer answers with %s', async (_what, reason, misbehaviour) => {
    issuer.misbehaviour = { jwks: misbehaviour };
    const made = await started();
    expect(failures).toEqual([reason]);
    expect(made.ready()).toBe(false);
    await expect(made.verify([`Bearer ${issuer.token()}`])).rejects.toThrow(
      `the keys of the token issuer are not available (${reason})`,
    );
  });

  test.each<[string, string, Record<string, unknown>]>([
    ["another issuer's", 'issuer', { issuer: 'https://evil.example/oidc' }],
    ['without the place of the keys', 'malformed', { jwks_uri: undefined }],
    ['pointing to http: elsewhere', 'insecure', { jwks_uri: 'http://evil.example/jwks.json' }],
    ['pointing to a file', 'insecure', { jwks_uri: 'file:///etc/passwd' }],
  ])('are unavailable when the discovery document is %s', async (_what, reason, discovery) => {
    issuer.discovery = discovery;
    const made = await started({ jwksUri: null });
    expect(failures).toEqual([reason]);
    expect(made.ready()).toBe(false);
    expect(issuer.fetches.jwks).toBe(0);
  });

  test('are not asked for by every token while the issuer is down, and come by themselves when it is back', async () => {
    issuer.misbehaviour = { jwks: { status: 503 } };
    const made = await started();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcome(made)));
    expect(new Set(outcomes)).toEqual(new Set(['status']));
    expect(issuer.fetches.jwks).toBeLessThanOrEqual(3);

    issuer.misbehaviour = {};
    await issuer.fetched(issuer.fetches.jwks + 1);
    expect(await outcome(made)).toBe('accepted');
    expect(made.ready()).toBe(true);
  });

  test('work beside keys that cannot be used, and those are told apart from wrong signatures', async () => {
    issuer.otherJwks.push({ kty: 'RSA', kid: 'broken', n: 'AQ', e: 'AQAB' }, { kty: 'oct', kid: 'shared', k: 'AAAA' });
    const made = await started();
    expect(await outcome(made)).toBe('accepted');
    expect(await outcome(made, issuer.token({}, { header: { kid: 'broken' } }))).toBe('unusable_key');
    expect(await outcome(made, issuer.token({}, { header: { kid: 'shared' } }))).toBe('unknown_key');
  });
});

describe('rotation', () => {
  test('makes a new key count within 60 seconds, and the old one no longer', async () => {
    const made = await started();
    const old = issuer.token();
    issuer.rotate('second', 'EC');
    const fresh = issuer.token({}, { alg: 'ES256' });
    // The keys have only just been fetched: too early to ask again.
    expect(await outcome(made, fresh)).toBe('unknown_key');
    elapsedMs = 59_999;
    expect(await outcome(made, fresh)).toBe('accepted');
    expect(await outcome(made, old)).toBe('unknown_key');
    expect(issuer.fetches.jwks).toBe(2);
  });

  test('counts, too, when the new key has the old name', async () => {
    const made = await started();
    issuer.rotate('first');
    elapsedMs = 59_999;
    expect(await outcome(made)).toBe('accepted');
    expect(issuer.fetches.jwks).toBe(2);
  });

  test('is noticed in the background, before any token asks', async () => {
    const made = await started({ refreshMs: 20 });
    issuer.rotate('second');
    // The next one sees the new key, and is over when the one after it arrives: there is only ever one at a time.
    await issuer.fetched(issuer.fetches.jwks + 2);
    expect(await outcome(made)).toBe('accepted');
  });

  test('finds the keys in their new place when the discovery document names another', async () => {
    const moved = await startIssuer();
    try {
      const made = await started({ jwksUri: null });
      const key = moved.rotate('moved');
      issuer.discovery = { jwks_uri: moved.jwksUri };
      elapsedMs = 60_000;
      expect(await outcome(made, issuer.token({}, { key }))).toBe('accepted');
    } finally {
      await moved.close();
    }
  });
});

describe('a storm of unknown keys', () => {
  const strangers = Array.from({ length: 300 }, (_, index) => `stranger-${index}`);

  test('costs one fetch in 30 seconds, and the known key goes on serving', async () => {
    const made = await started();
    for (const [at, fetches] of [
      [29_999, 1],
      [30_000, 2],
      [59_999, 2],
      [60_000, 3],
    ] as const) {
      elapsedMs = at;
      const tokens = strangers.map((kid) => issuer.token({}, { header: { kid } }));
      const outcomes = await Promise.all(tokens.map((token) => outcome(made, token)));
      expect(new Set(outcomes)).toEqual(new Set(['unknown_key']));
      expect(await outcome(made)).toBe('accepted');
      expect(issuer.fetches.jwks).toBe(fetches);
    }
  });

  test('costs no more while the issuer is down', async () => {
    const made = await started();
    issuer.misbehaviour = { jwks: { status: 503 } };
    elapsedMs = 30_000;
    for (const kid of strangers) {
      expect(await outcome(made, issuer.token({}, { header: { kid } }))).toBe('unknown_key');
    }
    expect(await outcome(made)).toBe('accepted');
    // One on behalf of the tokens; the few that follow are the retries in the background.
    expect(issuer.fetches.jwks).toBeLessThanOrEqual(5);
    expect(failures[0]).toBe('status');
  });
});

describe('an outage', () => {
  test.each<Misbehaviour>([{ status: 500 }, 'reset', { body: '{"keys":[]}' }])(
    'does not disturb the known keys for 24 hours: %p',
    async (misbehaviour) => {
      const made = await started();
      issuer.misbehaviour = { jwks: misbehaviour };
      const newKey = issuer.token({}, { header: { kid: 'new' } });
      elapsedMs = 24 * 3_600_000 - 1;
      const asking = outcome(made, newKey);
      await issuer.fetched(2);
      expect(await outcome(made)).toBe('accepted');
      expect(await asking).toBe('unknown_key');
      expect(made.ready()).toBe(true);
      expect(failures).toHaveLength(1);
    },
  );

  test('makes nobody with a known key wait for the fetch that is under way', async () => {
    const made = await started();
    issuer.misbehaviour = { jwks: 'hang' };
    elapsedMs = 30_000;
    const asking = outcome(made, issuer.token({}, { header: { kid: 'new' } }));
    await issuer.fetched(2);
    expect(await outcome(made)).toBe('accepted');
    // Had it waited, it would have been until the fetch had failed.
    expect(failures).toEqual([]);
    await made.close();
    expect(await asking).toBe('unknown_key');
  });

  test('leaves nothing to verify with after 24 hours without a fetch', async () => {
    const made = await started();
    issuer.misbehaviour = { jwks: { status: 500 } };
    elapsedMs = 24 * 3_600_000;
    expect(made.ready()).toBe(false);
    await expect(made.verify([`Bearer ${issuer.token()}`])).rejects.toThrow(KeysUnavailableError);
  });

  test('does not hold up closing', async () => {
    issuer.misbehaviour = { jwks: 'hang' };
    const made = create();
    const starting = made.start();
    await issuer.fetched(1);
    await made.close();
    await starting;
    expect(failures).toEqual([]);
    await made.start();
    expect(issuer.fetches.jwks).toBe(1);
  });
});
