import { once } from 'node:events';
import { createServer, request } from 'node:http';
import fc from 'fast-check';
import { createRouterCredential, UnauthenticatedError } from '../../src/callers';
import { listen, stopListening } from '../support/listen';

const OLD = 'an-old-secret-of-the-router-0123456789';
const NEW = 'the-new-secret-of-the-router-987654321';

function reasonFor(values: readonly string[]): string {
  try {
    createRouterCredential([OLD, NEW]).check(values);
    return 'passed';
  } catch (error) {
    if (!(error instanceof UnauthenticatedError)) throw error;
    expect(JSON.stringify({ ...error, message: error.message, stack: error.stack })).not.toMatch(/secret-of/);
    return error.reason;
  }
}

describe("the router's credential", () => {
  test.each([[OLD], [NEW]])('accepts each of its secrets, so that they can be rotated', (secret) => {
    expect(reasonFor([secret])).toBe('passed');
  });

  test.each([
    ['nothing', [], 'credential_missing'],
    ['an empty header', [''], 'credential_missing'],
    ['a prefix of a secret', [OLD.slice(0, -1)], 'credential_wrong'],
    ['a secret and more', [`${OLD}x`], 'credential_wrong'],
    ['a secret twice in one header', [OLD + OLD], 'credential_wrong'],
    ['both secrets in one header', [`${OLD}, ${NEW}`], 'credential_wrong'],
    ['a secret in capitals', [OLD.toUpperCase()], 'credential_wrong'],
    ['a secret with a scheme', [`Bearer ${OLD}`], 'credential_wrong'],
    ['a secret with a space', [`${OLD} `], 'credential_wrong'],
    ['the same secret in two headers', [OLD, OLD], 'credential_repeated'],
    ['a right secret after a wrong one', ['wrong', NEW], 'credential_repeated'],
    ['a right secret after an empty header', ['', NEW], 'credential_repeated'],
  ])('refuses %s', (_what, values, reason) => {
    expect(reasonFor(values)).toBe(reason);
  });

  test('refuses everything that is not exactly one of the secrets', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(OLD, NEW)), { maxLength: 3 }), (values) => {
        const right = values.length === 1 && (values[0] === OLD || values[0] === NEW);
        expect(reasonFor(values) === 'passed').toBe(right);
      }),
    );
  });

  test.each([
    ['no secrets', []],
    ['an empty secret', ['']],
    ['a short secret', [OLD, 'x'.repeat(31)]],
    ['a secret with a line feed, as files end with', [`${OLD}\n`]],
    ['a secret with a comma', [`${OLD},${NEW}`]],
    ['a secret that a header would change', [`${OLD}é`]],
  ])('cannot be created with %s, and the error does not quote the secret', (_what, secrets) => {
    expect(() => createRouterCredential(secrets)).toThrow(TypeError);
    expect(() => createRouterCredential(secrets)).not.toThrow(/secret-of/);
  });

  test('detects a header that is repeated', async () => {
    const reasons: string[] = [];
    const server = createServer((incoming, response) => {
      reasons.push(reasonFor(incoming.headersDistinct['router-authorization'] ?? []));
      response.end();
    });
    const port = await listen(server);
    for (const values of [[NEW], [NEW, NEW], ['wrong', NEW]]) {
      const sent = request({ port, host: '127.0.0.1', headers: { 'Router-Authorization': values } }).end();
      const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
      answer.resume();
    }
    await stopListening(server);
    expect(reasons).toEqual(['passed', 'credential_repeated', 'credential_repeated']);
  });
});
