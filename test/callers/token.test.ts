import { inspect } from 'node:util';
import fc from 'fast-check';
import { createTokenVerifier, type TokenVerifier, UnauthenticatedError } from '../../src/callers';
import { AUDIENCE, createSigningKey, type Issuer, signJwt, startIssuer, SUBJECT, toJwk } from '../support/issuer';

let issuer: Issuer;
let verifier: TokenVerifier;
const stranger = createSigningKey('first');
const now = Math.floor(Date.now() / 1000);

beforeAll(async () => {
  issuer = await startIssuer();
  // Two of a kind, so that a token must say which.
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

async function refusal(...values: string[]): Promise<string> {
  try {
    return `accepted ${JSON.stringify(await verifier.verify(values))}`;
  } catch (error) {
    if (!(error instanceof UnauthenticatedError)) throw error;
    // Neither the token nor a claim may be found, however deep a logger looks.
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

  test('is accepted as the same actor, and one that differs in a character is not', async () => {
    const token = bearer();
    const actor = await remembering.verify([token]);
    expect(await remembering.verify([token])).toBe(actor);
    const forged = token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA');
    await expect(remembering.verify([forged])).rejects.toThrow(UnauthenticatedError);
  });

  test('is refused once it has expired', async () => {
    const token = bearer({ exp: now + 60 });
    await remembering.verify([token]);
    epochMs += 91_000;
    await expect(remembering.verify([token])).rejects.toMatchObject({ reason: 'expired' });
  });

  test('is refused once the issuer has withdrawn its key', async () => {
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
  test('makes a frozen actor of a user', async () => {
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

  test('makes an actor of a machine, which has no sub', async () => {
    const actor = await verifier.verify([bearer({ sub: undefined, iat: undefined, scope: 'identity:unlink' })]);
    expect(actor).toEqual({ iss: issuer.url, sub: null, azp: null, scopes: ['identity:unlink'], signedInAt: null });
  });

  test.each<[string, Record<string, unknown>, number | null]>([
    ['auth_time', { auth_time: now - 60, iat: now }, (now - 60) * 1000],
    ['iat where there is no auth_time', { iat: now - 5 }, (now - 5) * 1000],
    ['iat where auth_time is null', { auth_time: null, iat: now - 5 }, (now - 5) * 1000],
    ['nothing where both are missing', { iat: undefined }, null],
    ['nothing where auth_time is not a number', { auth_time: String(now), iat: now }, null],
  ])('says when the user signed in by %s', async (_what, claims, signedInAt) => {
    expect((await verifier.verify([bearer(claims)])).signedInAt).toBe(signedInAt);
  });

  test.each<[string, Record<string, unknown>, string[]]>([
    ['none', { scope: undefined }, []],
    ['null', { scope: null }, []],
    ['an empty text', { scope: '' }, []],
    ['a list', { scope: ['a', 'b'] }, ['a', 'b']],
    ['a list by the other name', { scope: undefined, scopes: ['a', 'b'] }, ['a', 'b']],
    ['a text by the other name', { scope: undefined, scopes: 'a b' }, ['a', 'b']],
    ['both names', { scope: 'a b', scopes: ['b', 'c'] }, ['a', 'b', 'c']],
    ['a list, whose members are not taken apart', { scope: ['a b'] }, ['a b']],
  ])('may name its scopes as %s', async (_what, claims, scopes) => {
    expect((await verifier.verify([bearer(claims)])).scopes).toEqual(scopes);
  });

  test.each<[string, Parameters<Issuer['token']>]>([
    ['is signed with ES256', [{}, { alg: 'ES256', header: { kid: 'elliptic' } }]],
    ['lists its audiences', [{ aud: ['elsewhere', AUDIENCE] }]],
    ['ended 29 seconds ago', [{ exp: now - 29 }]],
    ['begins in 29 seconds', [{ nbf: now + 29 }]],
    ['is of the type at+jwt', [{}, { header: { typ: 'at+jwt' } }]],
    [
      'has a header that offers a key elsewhere, which is not looked at',
      [{}, { header: { jku: 'https://evil.example' } }],
    ],
  ])('%s', async (_what, [claims, how]) => {
    const key = how?.alg === 'ES256' ? issuer.keys[1] : issuer.keys[0];
    expect((await verifier.verify([bearer(claims, { ...how, ...(key && { key }) })])).sub).toBe(SUBJECT);
  });

  test.each(['bearer ', 'BEARER ', 'Bearer   '])('may come with the scheme as %p', async (scheme) => {
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
    ['without an end', 'claims', [{ exp: undefined }]],
    ['with an end that is text', 'claims', [{ exp: String(now + 60) }]],
    ['that ended 31 seconds ago', 'expired', [{ exp: now - 31 }]],
    ['that begins in 31 seconds', 'not_yet_valid', [{ nbf: now + 31 }]],
    ['that begins at a text', 'claims', [{ nbf: 'now' }]],
    ['that is an id_token by its nonce', 'id_token', [{ nonce: 'n' }]],
    ['that is an id_token by its at_hash', 'id_token', [{ at_hash: 'h' }]],
    ['that is an id_token with an empty nonce', 'id_token', [{ nonce: null }]],
    ['whose sub is a number', 'claims', [{ sub: 9007199254740992 }]],
    ['whose sub is empty', 'claims', [{ sub: '' }]],
    ['whose sub is a list', 'claims', [{ sub: [SUBJECT] }]],
    ['whose azp is an object', 'claims', [{ azp: {} }]],
    ['whose scope is an object', 'claims', [{ scope: { 'identity:read': true } }]],
    ['whose scopes are not all text', 'claims', [{ scopes: ['identity:read', 1] }]],
    ['signed with RS512', 'algorithm', [{}, { alg: 'RS512' }]],
    ['of the algorithm none', 'token_malformed', [{}, { alg: 'none' }]],
    ["of a stranger's key under a known id", 'signature', [{}, { key: stranger }]],
    [
      "of a stranger's key that it brings along",
      'signature',
      [{}, { key: stranger, header: { jwk: toJwk(stranger) } }],
    ],
    ['of a key elsewhere', 'unknown_key', [{}, { header: { kid: 'x', jku: 'https://evil.example/jwks.json' } }]],
    ['of a certificate that it brings along', 'signature', [{}, { key: stranger, header: { x5c: ['AAAA'] } }]],
    ['that does not say which key', 'unknown_key', [{}, { header: { kid: undefined, alg: 'RS256' } }]],
    ['of a key that is a path', 'unknown_key', [{}, { header: { kid: '../../../dev/null' } }]],
    ['of a key that every object has', 'unknown_key', [{}, { header: { kid: '__proto__' } }]],
    ['of a key that is a number', 'unknown_key', [{}, { header: { kid: 0 } }]],
    ['of a key that is a list', 'unknown_key', [{}, { header: { kid: ['first'] } }]],
    ['of an ES256 key by the wrong name', 'unknown_key', [{}, { header: { kid: 'elliptic' } }]],
    ['with an extension that must be understood', 'token_malformed', [{}, { header: { crit: ['x'], x: 1 } }]],
    ['whose payload is not encoded', 'token_malformed', [{}, { header: { crit: ['b64'], b64: false } }]],
  ])('%s', async (_what, reason, [claims = {}, how]) => {
    expect(await refusal(bearer(claims, how))).toBe(reason);
  });

  test.each([
    ['a slash more', () => `${issuer.url}/`, 'issuer'],
    ['a letter in capitals', () => issuer.url.toUpperCase(), 'issuer'],
    ['itself in a list', () => [issuer.url], 'issuer'],
  ])('whose issuer is right but for %s', async (_what, iss, reason) => {
    expect(await refusal(bearer({ iss: iss() }))).toBe(reason);
  });

  test('signed with HS256 and the public key as the secret', async () => {
    const pem = issuer.keys[0]?.publicKey.export({ type: 'spki', format: 'pem' }).toString() ?? '';
    const payload = { iss: issuer.url, aud: AUDIENCE, sub: SUBJECT, exp: now + 60 };
    const header = { alg: 'HS256', kid: 'first' } as const;
    expect(await refusal(`Bearer ${signJwt(header, payload, pem)}`)).toBe('algorithm');
  });

  test('whose algorithm none comes with a signature', async () => {
    const [, payload, signature] = issuer.token().split('.');
    const header = Buffer.from('{"alg":"none","kid":"first"}').toString('base64url');
    expect(await refusal(`Bearer ${header}.${payload}.${signature}`)).toBe('algorithm');
  });

  test('whose claims were changed after signing', async () => {
    const [header, , signature] = issuer.token().split('.');
    const [, payload] = issuer.token({ scope: 'identity:unlink' }).split('.');
    expect(await refusal(`Bearer ${header}.${payload}.${signature}`)).toBe('signature');
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
  ])('in the form of %s', async (_what, reason, values) => {
    expect(await refusal(...values())).toBe(reason);
  });

  test('whatever else it is made of', async () => {
    const text = fc.oneof(fc.string(), fc.base64String(), fc.constantFrom('Bearer ', '.', 'eyJhbGciOiJSUzI1NiJ9'));
    await fc.assert(
      fc.asyncProperty(fc.array(text), async (parts) => {
        expect(await refusal(parts.join(''))).toMatch(/^token_|^algorithm$|^unknown_key$/);
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
    ['an issuer that is not a URL, when there is nothing else to ask', { issuer: 'issuer' }],
    ['an issuer to be asked over http: elsewhere', { issuer: 'http://issuer.example/oidc' }],
    ['keys over http: elsewhere', { jwksUri: 'http://issuer.example/jwks.json' }],
    ['keys on a host that only begins like this machine', { jwksUri: 'http://127.0.0.1.evil.example/jwks.json' }],
    ['keys behind a user name', { jwksUri: 'https://api.example@evil.example/jwks.json' }],
    ['keys in a file', { jwksUri: 'file:///etc/jwks.json' }],
  ])('is not made with %s', (_what, wrong) => {
    expect(() => createTokenVerifier({ ...options, ...wrong })).toThrow(TypeError);
  });
});
