import {
  createTokenVerifier,
  KeysUnavailableError,
  type TokenVerifier,
  type TokenVerifierOptions,
} from '../../src/callers';
import {
  AUDIENCE,
  createSigningKey,
  type Issuer,
  type Misbehaviour,
  startIssuer,
  SUBJECT,
  toJwk,
} from '../support/issuer';

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

describe('the first keys of the issuer', () => {
  test('come from the URL in the discovery document', async () => {
    const made = await started({ jwksUri: null });
    expect(made.ready()).toBe(true);
    expect((await made.verify([`Bearer ${issuer.token()}`])).sub).toBe(SUBJECT);
    expect(issuer.fetches).toEqual({ discovery: 1, jwks: 1 });
  });

  test('come from the configured URL, without the discovery document', async () => {
    const made = await started();
    expect(await outcome(made)).toBe('accepted');
    expect(issuer.fetches).toEqual({ discovery: 0, jwks: 1 });
  });

  test('are fetched once, and tokens that arrive earlier wait for them', async () => {
    const made = create();
    const starting = Promise.all([made.start(), made.start()]);
    expect(made.ready()).toBe(false);
    const token = issuer.token();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcome(made, token)));
    await starting;
    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(issuer.fetches.jwks).toBe(1);
  });

  test('are not available before the verifier is started', async () => {
    await expect(create().verify([`Bearer ${issuer.token()}`])).rejects.toThrow(KeysUnavailableError);
    expect(issuer.fetches.jwks).toBe(0);
  });

  test('are not fetched for an invalid token', async () => {
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
    ['no response', 'timeout', 'hang'],
    ['an HTML page', 'malformed', { body: '<html>' }],
    ['a list', 'malformed', { body: '[]' }],
    ['no keys', 'no_keys', { body: '{"keys":[]}' }],
    ['keys that are not a list', 'malformed', { body: '{"keys":{}}' }],
    ['keys for other operations only', 'no_keys', { body: '{"keys":[{"kty":"RSA","key_ops":["encrypt"]}]}' }],
    ['keys of other kinds only', 'no_keys', { body: '{"keys":[{"kty":"oct","k":"AA","kid":"first"},null,1]}' }],
    ['a compressed body', 'compressed', { body: '{"keys":[]}', headers: GZIP }],
    ['more than 256 KiB', 'too_large', { body: `{"keys":[],"x":"${'x'.repeat(256 * 1024)}"}` }],
  ])('are unavailable if the issuer responds with %s', async (_what, reason, misbehaviour) => {
    issuer.misbehaviour = { jwks: misbehaviour };
    const made = await started();
    expect(failures).toEqual([reason]);
    expect(made.ready()).toBe(false);
    await expect(made.verify([`Bearer ${issuer.token()}`])).rejects.toThrow(
      `the keys of the token issuer are not available (${reason})`,
    );
  });

  test.each<[string, Partial<KeysUnavailableError>, () => void]>([
    [
      'a status',
      { document: 'keys', status: 503, code: null },
      () => (issuer.misbehaviour = { jwks: { status: 503 } }),
    ],
    [
      'the code of a broken connection',
      { document: 'keys', status: null, code: expect.stringMatching(/^[A-Z_]+$/) as string },
      () => (issuer.misbehaviour = { jwks: 'reset' }),
    ],
    [
      'the document that is wrong',
      { document: 'discovery', status: null, code: null },
      () => (issuer.discovery = { issuer: 'https://evil.example' }),
    ],
  ])('are reported as unavailable with %s', async (_what, expected, misbehave) => {
    misbehave();
    const errors: KeysUnavailableError[] = [];
    await started({ jwksUri: null, onKeysFailure: (error) => errors.push(error) });
    expect(errors).toEqual([expect.objectContaining(expected)]);
  });

  test.each<[string, string, Record<string, unknown>]>([
    ["another issuer's", 'issuer', { issuer: 'https://evil.example/oidc' }],
    ['without the URL of the keys', 'malformed', { jwks_uri: undefined }],
    ['pointing to http: on another host', 'insecure', { jwks_uri: 'http://evil.example/jwks.json' }],
    ['pointing to a file', 'insecure', { jwks_uri: 'file:///etc/passwd' }],
  ])('are unavailable if the discovery document is %s', async (_what, reason, discovery) => {
    issuer.discovery = discovery;
    const made = await started({ jwksUri: null });
    expect(failures).toEqual([reason]);
    expect(made.ready()).toBe(false);
    expect(issuer.fetches.jwks).toBe(0);
  });

  test('are not fetched for every token during an outage, and are fetched in the background until it ends', async () => {
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

  test('work next to unusable keys, and a token of an unusable key has its own reason', async () => {
    issuer.otherJwks.push({ kty: 'RSA', kid: 'broken', n: 'AQ', e: 'AQAB' }, { kty: 'oct', kid: 'shared', k: 'AAAA' });
    const made = await started();
    expect(await outcome(made)).toBe('accepted');
    expect(await outcome(made, issuer.token({}, { header: { kid: 'broken' } }))).toBe('unusable_key');
    expect(await outcome(made, issuer.token({}, { header: { kid: 'shared' } }))).toBe('unknown_key');
  });
});

describe('a key set', () => {
  test('may list a key twice, also for a token that does not name the key', async () => {
    const [key] = issuer.keys as [(typeof issuer.keys)[number]];
    issuer.otherJwks.push(toJwk(key), { ...toJwk(key), x5c: ['AAAA'] });
    const made = await started();
    expect(await outcome(made)).toBe('accepted');
    expect(await outcome(made, issuer.token({}, { header: { kid: undefined } }))).toBe('accepted');
  });

  test('may have several keys under one id', async () => {
    const others = [createSigningKey('first'), createSigningKey('first')] as const;
    issuer.keys.push(...others);
    issuer.otherJwks.push({ kty: 'RSA', kid: 'first', n: 'AQ', e: 'AQAB' });
    const made = await started();
    for (const key of issuer.keys) expect(await outcome(made, issuer.token({}, { key }))).toBe('accepted');
    expect(await outcome(made, issuer.token({}, { key: createSigningKey('first') }))).toBe('signature');
    expect(await outcome(made, issuer.token({ exp: 1 }, { key: others[1] }))).toBe('expired');
  });

  test('does not let a token without a key id choose among different keys', async () => {
    issuer.keys.push(createSigningKey('second'));
    const made = await started();
    expect(await outcome(made, issuer.token({}, { header: { kid: undefined } }))).toBe('unknown_key');
  });

  test.each<[string, object, string]>([
    ['verify alone', { key_ops: ['verify'] }, 'accepted'],
    ['sign and verify', { key_ops: ['sign', 'verify'] }, 'accepted'],
    ['verify, twice', { key_ops: ['verify', 'verify'] }, 'accepted'],
    ['verify and unknown operations', { key_ops: ['verify', 'x-audit', 7] }, 'accepted'],
    ['verify and the use of signatures', { key_ops: ['verify', 'encrypt'], use: 'sig' }, 'accepted'],
    ['other operations only', { key_ops: ['sign'] }, 'unknown_key'],
    ['no operation', { key_ops: [] }, 'unknown_key'],
    ['an operation that is not in a list', { key_ops: 'verify' }, 'unknown_key'],
    ['the use of encryption', { key_ops: ['verify'], use: 'enc' }, 'unknown_key'],
    ['an odd ext', { ext: 'yes' }, 'accepted'],
  ])('has keys that verify if their operations include it: %s', async (_what, members, expected) => {
    const key = createSigningKey('operations');
    issuer.otherJwks.push({ ...toJwk(key), ...members });
    expect(await outcome(await started(), issuer.token({}, { key }))).toBe(expected);
  });

  test('does not make a private key usable that was published by mistake', async () => {
    const key = createSigningKey('private');
    issuer.otherJwks.push({ ...key.privateKey.export({ format: 'jwk' }), kid: 'private', key_ops: ['sign', 'verify'] });
    expect(await outcome(await started(), issuer.token({}, { key }))).toBe('unusable_key');
  });
});

describe('rotation', () => {
  test('makes a new key count within 60 seconds, and the old one no longer', async () => {
    const made = await started();
    const old = issuer.token();
    issuer.rotate('second', 'EC');
    const fresh = issuer.token({}, { alg: 'ES256' });
    // The keys were fetched less than 30 seconds ago, so that they are not fetched again.
    expect(await outcome(made, fresh)).toBe('unknown_key');
    elapsedMs = 59_999;
    expect(await outcome(made, fresh)).toBe('accepted');
    expect(await outcome(made, old)).toBe('unknown_key');
    expect(issuer.fetches.jwks).toBe(2);
  });

  test('takes effect also if the new key has the same id', async () => {
    const made = await started();
    issuer.rotate('first');
    elapsedMs = 59_999;
    expect(await outcome(made)).toBe('accepted');
    expect(issuer.fetches.jwks).toBe(2);
  });

  test('is detected in the background, without a token', async () => {
    const made = await started({ refreshMs: 20 });
    issuer.rotate('second');
    // Fetches run one after another, so that the next one has ended when the second one arrives.
    await issuer.fetched(issuer.fetches.jwks + 2);
    expect(await outcome(made)).toBe('accepted');
  });

  test('follows the discovery document to a new URL', async () => {
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

describe('many tokens with unknown keys', () => {
  const unknownKids = Array.from({ length: 300 }, (_, index) => `unknown-${index}`);

  test('cost one fetch per 30 seconds, and tokens of the known key stay valid', async () => {
    const made = await started();
    for (const [at, fetches] of [
      [29_999, 1],
      [30_000, 2],
      [59_999, 2],
      [60_000, 3],
    ] as const) {
      elapsedMs = at;
      const tokens = unknownKids.map((kid) => issuer.token({}, { header: { kid } }));
      const outcomes = await Promise.all(tokens.map((token) => outcome(made, token)));
      expect(new Set(outcomes)).toEqual(new Set(['unknown_key']));
      expect(await outcome(made)).toBe('accepted');
      expect(issuer.fetches.jwks).toBe(fetches);
    }
  });

  test('cost no further fetches while the issuer is down', async () => {
    const made = await started();
    issuer.misbehaviour = { jwks: { status: 503 } };
    elapsedMs = 30_000;
    for (const kid of unknownKids) {
      expect(await outcome(made, issuer.token({}, { header: { kid } }))).toBe('unknown_key');
    }
    expect(await outcome(made)).toBe('accepted');
    // One fetch for the tokens, and a few retries in the background.
    expect(issuer.fetches.jwks).toBeLessThanOrEqual(5);
    expect(failures[0]).toBe('status');
  });
});

describe('an outage of the issuer', () => {
  test.each<Misbehaviour>([{ status: 500 }, 'reset', { body: '{"keys":[]}' }])(
    'does not affect known keys for 24 hours: %p',
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

  test('does not delay tokens of a known key while a fetch is under way', async () => {
    const made = await started();
    issuer.misbehaviour = { jwks: 'hang' };
    elapsedMs = 30_000;
    const asking = outcome(made, issuer.token({}, { header: { kid: 'new' } }));
    await issuer.fetched(2);
    expect(await outcome(made)).toBe('accepted');
    // A token that had waited would have waited until the fetch failed.
    expect(failures).toEqual([]);
    await made.close();
    expect(await asking).toBe('unknown_key');
  });

  test('makes the keys unavailable after 24 hours', async () => {
    const made = await started();
    issuer.misbehaviour = { jwks: { status: 500 } };
    elapsedMs = 24 * 3_600_000;
    expect(made.ready()).toBe(false);
    await expect(made.verify([`Bearer ${issuer.token()}`])).rejects.toThrow(KeysUnavailableError);
  });

  test('does not delay closing', async () => {
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
