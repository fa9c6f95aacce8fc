import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { createRouterCredential, UnauthenticatedError } from '../../src/callers';

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
  test.each([[OLD], [NEW]])('accepts any of its secrets, so that they can be rotated', (secret) => {
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

  test('refuses whatever is not a secret to the letter', () => {
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
  ])('is not made with %s, and does not quote it', (_what, secrets) => {
    expect(() => createRouterCredential(secrets)).toThrow(TypeError);
    expect(() => createRouterCredential(secrets)).not.toThrow(/secret-of/);
  });

  test('sees repeated headers where Node keeps them apart', async () => {
    const reasons: string[] = [];
    const server = createServer((incoming, response) => {
      reasons.push(reasonFor(incoming.headersDistinct['router-authorization'] ?? []));
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const values of [[NEW], [NEW, NEW], ['wrong', NEW]]) {
      const sent = request({ port, host: '127.0.0.1', headers: { 'Router-Authorization': values } }).end();
      const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
      answer.resume();
    }
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    expect(reasons).toEqual(['passed', 'credential_repeated', 'credential_repeated']);
  });
});
