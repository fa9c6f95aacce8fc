import { type Issuer, startIssuer } from '../support/issuer';
import { credentials, ENTITIES, representations, ROUTER_SECRET, type Stack, startStack } from '../support/stack';

const ASKED = { 'apollo-federation-include-trace': 'ftv1' };

describe("Apollo's inline trace", () => {
  let issuer: Issuer;
  let stack: Stack | undefined;
  let token: string;

  beforeAll(async () => {
    issuer = await startIssuer();
    token = issuer.token({ scope: 'identity:read' });
  });
  afterEach(async () => {
    await stack?.close();
    stack = undefined;
  });
  afterAll(() => issuer.close());

  interface Body {
    data: unknown;
    errors?: unknown[];
    extensions?: { ftv1?: string };
  }

  async function read(headers: Record<string, string>): Promise<Body> {
    const userIds = stack?.emulator.store.users().map(({ profile }) => profile.userId) ?? [];
    const response = await fetch(`${stack?.subgraph.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: ENTITIES, variables: representations(userIds) }),
    });
    return (await response.json()) as Body;
  }

  const textOf = ({ extensions }: Body): string => Buffer.from(extensions?.ftv1 ?? '', 'base64').toString('latin1');

  test.each([
    ['strict', {}],
    ['router', { AUTH_MODE: 'router' }],
  ])('is for the router that asks for it in mode %s, beside the same answer', async (_mode, env) => {
    stack = await startStack({ issuer, env });
    const plain = await read(credentials(token));
    const traced = await read({ ...credentials(token), ...ASKED });
    expect(plain).toEqual({ data: plain.data });
    expect(traced).toEqual({ data: plain.data, extensions: { ftv1: expect.any(String) } });
    // The fields that took the time, which no short cut may leave out.
    expect(textOf(traced)).toMatch(/identities[^]*extIdpId/);
  });

  test('is not for anybody else', async () => {
    stack = await startStack({ issuer });
    const { 'router-authorization': _router, ...withoutRouter } = credentials(token);
    expect((await read({ ...withoutRouter, ...ASKED })).extensions).toBeUndefined();
  });

  test.each([
    ['jwt', { AUTH_MODE: 'jwt' }],
    ['none', { AUTH_MODE: 'none' }],
  ])('is not there at all in mode %s', async (_mode, env) => {
    stack = await startStack({ issuer, env });
    const answer = await read({ ...credentials(token), ...ASKED });
    expect(answer).toEqual({ data: { _entities: expect.any(Array) } });
  });

  test('says that there are errors, and nothing of them', async () => {
    stack = await startStack({ issuer });
    const { 'router-authorization': _router, ...none } = credentials(issuer.token({ scope: '' }));
    const answer = await read({ ...none, 'router-authorization': ROUTER_SECRET, ...ASKED });
    expect(answer.errors?.length).toBeGreaterThan(0);
    expect(textOf(answer)).toContain('<masked>');
    expect(textOf(answer)).not.toMatch(/FORBIDDEN|allowed/i);
    for (const { profile } of stack.emulator.store.users()) expect(textOf(answer)).not.toContain(profile.userId);
  });
});
