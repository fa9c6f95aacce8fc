import { type Issuer, startIssuer } from '../support/issuer';
import {
  credentials,
  ENTITIES,
  post,
  representations,
  ROUTER_SECRET,
  type Stack,
  startStack,
  userIdsOf,
} from '../support/stack';

const TRACE_HEADER = { 'apollo-federation-include-trace': 'ftv1' };

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
    if (stack === undefined) throw new Error('start the stack first');
    const variables = representations(userIdsOf(stack.emulator));
    const response = await post(`${stack.subgraph.url}/graphql`, { query: ENTITIES, variables }, headers);
    return (await response.json()) as Body;
  }

  const textOf = ({ extensions }: Body): string => Buffer.from(extensions?.ftv1 ?? '', 'base64').toString('latin1');

  test.each([
    ['strict', {}],
    ['router', { AUTH_MODE: 'router' }],
  ])('is added for a router that requests it in mode %s, and the data stay the same', async (_mode, env) => {
    stack = await startStack({ issuer, env });
    const plain = await read(credentials(token));
    const traced = await read({ ...credentials(token), ...TRACE_HEADER });
    expect(plain).toEqual({ data: plain.data });
    expect(traced).toEqual({ data: plain.data, extensions: { ftv1: expect.any(String) } });
    // The trace names the fields, also for an operation with a compiled plan.
    expect(textOf(traced)).toMatch(/identities[^]*extIdpId/);
  });

  test('is not added for callers without the router credential', async () => {
    stack = await startStack({ issuer });
    const { 'router-authorization': _router, ...withoutRouter } = credentials(token);
    expect((await read({ ...withoutRouter, ...TRACE_HEADER })).extensions).toBeUndefined();
  });

  test.each([
    ['jwt', { AUTH_MODE: 'jwt' }],
    ['none', { AUTH_MODE: 'none' }],
  ])('is never added in mode %s', async (_mode, env) => {
    stack = await startStack({ issuer, env });
    const answer = await read({ ...credentials(token), ...TRACE_HEADER });
    expect(answer).toEqual({ data: { _entities: expect.any(Array) } });
  });

  test('shows that there are errors, but no details of them', async () => {
    stack = await startStack({ issuer });
    const { 'router-authorization': _router, ...none } = credentials(issuer.token({ scope: '' }));
    const answer = await read({ ...none, 'router-authorization': ROUTER_SECRET, ...TRACE_HEADER });
    expect(answer.errors?.length).toBeGreaterThan(0);
    expect(textOf(answer)).toContain('<masked>');
    expect(textOf(answer)).not.toMatch(/FORBIDDEN|allowed/i);
    for (const { profile } of stack.emulator.store.users()) expect(textOf(answer)).not.toContain(profile.userId);
  });
});
