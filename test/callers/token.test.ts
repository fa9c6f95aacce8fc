import { inspect } from 'node:util';
import fc from 'fast-check';
import { createTokenVerifier, type TokenVerifier, UnauthenticatedError } from '../../src/callers';
import { AUDIENCE, createSigningKey, type Issuer, signJwt, startIssuer, SUBJECT, toJwk } from '../support/issuer';

let issuer: Issuer;
let verifier: TokenVerifier;
const foreignKey = createSigningKey('first');
const now = Math.floor(Date.now() / 1000);

beforeAll(async () => {
  issuer = await startIssuer();
  // Two RSA keys, so that a token must name its key.
  issuer.keys.push(createSigningKey('elliptic', 'EC'), createSigningKey('third'));
  const clock = { epochMs: () => now * 1000, elapsedMs: () => 0 };
  const audience = ['another-audience', AUDIENCE];
  verifier = createTokenVerifier({ issuer: issuer.url, audience, jwksUri: null, clock });
  await verifier.start();
});

afterAll(async () => {
  await verifier.close();
  await issuer.close();
});

async function verify(...values: string[]): Promise<string> {
  try {
    return `accepted ${JSON.stringify(await verifier.verify(values))}`;
  } catch (error) {
    if (!(error instanceof UnauthenticatedError)) throw error;
    // The error must not contain the token or a claim, at any depth.
    const seen = inspect(error, { depth: Infinity, showHidden: true });
    for (const value of values.filter((text) => text.length > 20)) expect(seen).not.toContain(value.slice(-20));
    expect(seen).not.toContain(SUBJECT);
    return error.reason;
  }
}

const bearer = (...how: Parameters<Issuer['token']>): string => `Bearer ${issuer.token(...how)}`;

describe('a token that was accepted before', () => {
  let epochMs: number;
  let remembering: TokenVerifier;

  beforeEach(async () => {
    epochMs = now * 1000;
    remembering = createTokenVerifier({
      issuer: issuer.url,
      audience: [AUDIENCE],
      jwksUri: null,
      refreshMs: 20,
      clock: { epochMs: () => epochMs, elapsedMs: () => 0 },
    });
    await remembering.start();
  });
  afterEach(() => remembering.close());

  test('is accepted as the same actor, and a token that differs in one character is refused', async () => {
    const token = bearer();
    const actor = await remembering.verify([token]);
    expect(await remembering.verify([token])).toBe(actor);
    const forged = token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA');
    await expect(remembering.verify([forged])).rejects.toThrow(UnauthenticatedError);
  });

  test('is refused after it has expired', async () => {
    const token = bearer({ exp: now + 60 });
    await remembering.verify([token]);
    epochMs += 91_000;
    await expect(remembering.verify([token])).rejects.toMatchObject({ reason: 'expired' });
  });

  test('is refused after the issuer has withdrawn its key', async () => {
    const temporary = createSigningKey('temporary');
    issuer.keys.push(temporary);
    const fetches = issuer.fetches.jwks;
    while (issuer.fetches.jwks < fetches + 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const token = `Bearer ${issuer.token({}, { key: temporary })}`;
    await remembering.verify([token]);
    issuer.keys.splice(issuer.keys.indexOf(temporary), 1);
    const before = issuer.fetches.jwks;
    while (issuer.fetches.jwks < before + 2) await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(remembering.verify([token])).rejects.toMatchObject({ reason: 'unknown_key' });
  });
});

describe('an accepted access token', () => {
  test('of a user becomes a frozen actor', async () => {
    const actor = await verifier.verify([bearer({ azp: AUDIENCE, scope: 'openid  identity:read openid' })]);
    expect(actor).toEqual({
      iss: issuer.url,
      sub: SUBJECT,
      azp: AUDIENCE,
      scopes: ['openid', 'identity:read'],
      signedInAt: expect.any(Number),
    });
    expect(Object.isFrozen(actor) && Object.isFrozen(actor.scopes)).toBe(true);
  });

  test('of a machine, without a sub, becomes an actor', async () => {
    const actor = await verifier.verify([bearer({ sub: undefined, iat: undefined, scope: 'identity:unlink' })]);
    expect(actor).toEqual({ iss: issuer.url, sub: null, azp: null, scopes: ['identity:unlink'], signedInAt: null });
  });

  test.each<[string, Record<string, unknown>, number | null]>([
    ['auth_time', { auth_time: now - 60, iat: now }, (now - 60) * 1000],
    ['iat if auth_time is absent', { iat: now - 5 }, (now - 5) * 1000],
    ['iat if auth_time is null', { auth_time: null, iat: now - 5 }, (now - 5) * 1000],
    ['nothing if both are absent', { iat: undefined }, null],
    ['nothing if auth_time is not a number', { auth_time: String(now), iat: now }, null],
  ])('has the time of the sign-in from %s', async (_what, claims, signedInAt) => {
    expect((await verifier.verify([bearer(claims)])).signedInAt).toBe(signedInAt);
  });

  test.each<[string, Record<string, unknown>, string[]]>([
    ['none', { scope: undefined }, []],
    ['null', { scope: null }, []],
    ['an empty string', { scope: '' }, []],
    ['a list', { scope: ['a', 'b'] }, ['a', 'b']],
    ['a list under `scopes`', { scope: undefined, scopes: ['a', 'b'] }, ['a', 'b']],
    ['a string under `scopes`', { scope: undefined, scopes: 'a b' }, ['a', 'b']],
    ['both `scope` and `scopes`', { scope: 'a b', scopes: ['b', 'c'] }, ['a', 'b', 'c']],
    ['a list, whose members are not split', { scope: ['a b'] }, ['a b']],
  ])('may have its scopes as %s', async (_what, claims, scopes) => {
    expect((await verifier.verify([bearer(claims)])).scopes).toEqual(scopes);
  });

  test.each<[string, Parameters<Issuer['token']>]>([
    ['is signed with ES256', [{}, { alg: 'ES256', header: { kid: 'elliptic' } }]],
    ['lists its audiences', [{ aud: ['elsewhere', AUDIENCE] }]],
    ['expired 29 seconds ago', [{ exp: now - 29 }]],
    ['is valid in 29 seconds', [{ nbf: now + 29 }]],
    ['is of the type at+jwt', [{}, { header: { typ: 'at+jwt' } }]],
    ['has a `jku` header, which is ignored', [{}, { header: { jku: 'https://evil.example' } }]],
  ])('%s', async (_what, [claims, how]) => {
    const key = how?.alg === 'ES256' ? issuer.keys[1] : issuer.keys[0];
    expect((await verifier.verify([bearer(claims, { ...how, ...(key && { key }) })])).sub).toBe(SUBJECT);
  });

  test.each(['bearer ', 'BEARER ', 'Bearer   '])('may have the scheme written as %p', async (scheme) => {
    expect((await verifier.verify([scheme + issuer.token()])).sub).toBe(SUBJECT);
  });
});

describe('a refused access token', () => {
  test.each<[string, string, Parameters<Issuer['token']>]>([
    ['of another issuer', 'issuer', [{ iss: 'https://evil.example/oidc' }]],
    ['without an issuer', 'claims', [{ iss: undefined }]],
    ['for another audience', 'audience', [{ aud: 'elsewhere' }]],
    ['for other audiences', 'audience', [{ aud: ['elsewhere', `${AUDIENCE}0`] }]],
    ['for an audience in capitals', 'audience', [{ aud: AUDIENCE.toUpperCase() }]],
    ['without an audience', 'claims', [{ aud: undefined }]],
    ['without `exp`', 'claims', [{ exp: undefined }]],
    ['whose `exp` is a string', 'claims', [{ exp: String(now + 60) }]],
    ['that expired 31 seconds ago', 'expired', [{ exp: now - 31 }]],
    ['that is valid in 31 seconds', 'not_yet_valid', [{ nbf: now + 31 }]],
    ['whose `nbf` is a string', 'claims', [{ nbf: 'now' }]],
    ['that is an id_token by its nonce', 'id_token', [{ nonce: 'n' }]],
    ['that is an id_token by its at_hash', 'id_token', [{ at_hash: 'h' }]],
    ['that is an id_token with an empty nonce', 'id_token', [{ nonce: null }]],
    ['that is a logout token by its events', 'logout_token', [{ events: {} }]],
    ['that is a logout token by its type', 'logout_token', [{}, { header: { typ: 'logout+jwt' } }]],
    ['that is a logout token by its media type', 'logout_token', [{}, { header: { typ: 'application/Logout+JWT' } }]],
    ['whose sub is a number', 'claims', [{ sub: 9007199254740992 }]],
    ['whose sub is empty', 'claims', [{ sub: '' }]],
    ['whose sub has 256 characters', 'claims', [{ sub: 's'.repeat(256) }]],
    ['whose azp has 256 characters', 'claims', [{ azp: 'a'.repeat(256) }]],
    ['whose sub is a list', 'claims', [{ sub: [SUBJECT] }]],
    ['whose azp is an object', 'claims', [{ azp: {} }]],
    ['whose scope is an object', 'claims', [{ scope: { 'identity:read': true } }]],
    ['whose scopes are not all strings', 'claims', [{ scopes: ['identity:read', 1] }]],
    ['signed with RS512', 'algorithm', [{}, { alg: 'RS512' }]],
    ['of the algorithm none', 'token_malformed', [{}, { alg: 'none' }]],
    ['signed with a foreign key under a known id', 'signature', [{}, { key: foreignKey }]],
    [
      'signed with a foreign key that its header contains',
      'signature',
      [{}, { key: foreignKey, header: { jwk: toJwk(foreignKey) } }],
    ],
    [
      'with an unknown key id and a `jku`',
      'unknown_key',
      [{}, { header: { kid: 'x', jku: 'https://evil.example/jwks.json' } }],
    ],
    [
      'signed with a foreign key, with a certificate in its header',
      'signature',
      [{}, { key: foreignKey, header: { x5c: ['AAAA'] } }],
    ],
    ['without a key id', 'unknown_key', [{}, { header: { kid: undefined, alg: 'RS256' } }]],
    ['whose key id is a path', 'unknown_key', [{}, { header: { kid: '../../../dev/null' } }]],
    ['whose key id is __proto__', 'unknown_key', [{}, { header: { kid: '__proto__' } }]],
    ['whose key id is a number', 'unknown_key', [{}, { header: { kid: 0 } }]],
    ['whose key id is a list', 'unknown_key', [{}, { header: { kid: ['first'] } }]],
    ['with the key id of a key for ES256', 'unknown_key', [{}, { header: { kid: 'elliptic' } }]],
    ['with a critical extension', 'token_malformed', [{}, { header: { crit: ['x'], x: 1 } }]],
    ['whose payload is not encoded', 'token_malformed', [{}, { header: { crit: ['b64'], b64: false } }]],
  ])('%s', async (_what, reason, [claims = {}, how]) => {
    expect(await verify(bearer(claims, how))).toBe(reason);
  });

  test.each([
    ['an additional slash', () => `${issuer.url}/`, 'issuer'],
    ['capital letters', () => issuer.url.toUpperCase(), 'issuer'],
    ['a list around it', () => [issuer.url], 'issuer'],
  ])('whose issuer is correct except for %s', async (_what, iss, reason) => {
    expect(await verify(bearer({ iss: iss() }))).toBe(reason);
  });

  test('signed with HS256 and the public key as the secret', async () => {
    const pem = issuer.keys[0]?.publicKey.export({ type: 'spki', format: 'pem' }).toString() ?? '';
    const payload = { iss: issuer.url, aud: AUDIENCE, sub: SUBJECT, exp: now + 60 };
    const header = { alg: 'HS256', kid: 'first' } as const;
    expect(await verify(`Bearer ${signJwt(header, payload, pem)}`)).toBe('algorithm');
  });

  test('of the algorithm none with a signature', async () => {
    const [, payload, signature] = issuer.token().split('.');
    const header = Buffer.from('{"alg":"none","kid":"first"}').toString('base64url');
    expect(await verify(`Bearer ${header}.${payload}.${signature}`)).toBe('algorithm');
  });

  test('whose claims were changed after signing', async () => {
    const [header, , signature] = issuer.token().split('.');
    const [, payload] = issuer.token({ scope: 'identity:unlink' }).split('.');
    expect(await verify(`Bearer ${header}.${payload}.${signature}`)).toBe('signature');
  });

  test.each([
    ['nothing', 'token_missing', () => []],
    ['an empty header', 'token_missing', () => ['']],
    ['two headers', 'token_repeated', () => [bearer(), bearer()]],
    ['two tokens in one header', 'token_malformed', () => [`${bearer()}, ${bearer()}`]],
    ['another scheme', 'token_malformed', () => [`Basic ${issuer.token()}`]],
    ['no scheme', 'token_malformed', () => [issuer.token()]],
    ['a scheme alone', 'token_malformed', () => ['Bearer ']],
    ['an opaque token', 'token_malformed', () => ['Bearer 3YByyfvL0xoMP5wpMulgL']],
    ['an encrypted token', 'token_malformed', () => ['Bearer YQ.YQ.YQ.YQ.YQ']],
    ['a token with padding', 'token_malformed', () => [`${bearer()}==`]],
    ['parts that are not JSON', 'token_malformed', () => ['Bearer YQ.YQ.YQ']],
    ['a token over 8 KiB', 'token_too_large', () => [bearer({ scope: 'x'.repeat(8192) })]],
    ['a payload that is a list', 'token_malformed', () => [`Bearer ${signedList()}`]],
  ])('in a header of this form: %s', async (_what, reason, values) => {
    expect(await verify(...values())).toBe(reason);
  });

  test('made of random text', async () => {
    const text = fc.oneof(fc.string(), fc.base64String(), fc.constantFrom('Bearer ', '.', 'eyJhbGciOiJSUzI1NiJ9'));
    await fc.assert(
      fc.asyncProperty(fc.array(text), async (parts) => {
        expect(await verify(parts.join(''))).toMatch(/^token_|^algorithm$|^unknown_key$/);
      }),
    );
  });
});

function signedList(): string {
  const [key] = issuer.keys;
  return key === undefined ? '' : signJwt({ alg: 'RS256', ...{ kid: key.kid } }, [SUBJECT], key.privateKey);
}

describe('a token verifier', () => {
  const options = { issuer: 'https://issuer.example/oidc', audience: [AUDIENCE], jwksUri: null };

  test.each([
    ['an empty issuer', { issuer: '' }],
    ['no audience', { audience: [] }],
    ['an empty audience', { audience: [AUDIENCE, ''] }],
    ['an issuer that is not a URL, without a URL of the keys', { issuer: 'issuer' }],
    ['an issuer over http: on another host', { issuer: 'http://issuer.example/oidc' }],
    ['keys over http: on another host', { jwksUri: 'http://issuer.example/jwks.json' }],
    ['keys on a host whose name begins like loopback', { jwksUri: 'http://127.0.0.1.evil.example/jwks.json' }],
    ['keys at a URL with a user name', { jwksUri: 'https://api.example@evil.example/jwks.json' }],
    ['keys in a file', { jwksUri: 'file:///etc/jwks.json' }],
  ])('cannot be created with %s', (_what, wrong) => {
    expect(() => createTokenVerifier({ ...options, ...wrong })).toThrow(TypeError);
  });
});
