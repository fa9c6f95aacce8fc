import { type Stack, startStack, UNLINK } from '../support/stack';

const JSON_TYPE = 'application/json; charset=utf-8';
const GRAPHQL_TYPE = 'application/graphql-response+json; charset=utf-8';

describe('the Accept header', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  const unlink = (accept: string) => {
    const user = stack.emulator.store.users().find(({ identities }) => identities.length > 0);
    const variables = { userId: user?.profile.userId, extIdpId: user?.identities[0]?.extIdpId };
    return stack.ask<{ unlinkIdentity: { success: boolean } | null }>(UNLINK, variables, { accept });
  };

  test.each([
    ['application/json;v=2', JSON_TYPE],
    ['text/event-stream', JSON_TYPE],
    ['multipart/mixed;deferSpec=20220824', JSON_TYPE],
    ['text/html', JSON_TYPE],
    ['application/json;q=0', JSON_TYPE],
    ['sentinel', JSON_TYPE],
    ['application/graphql-response+json', GRAPHQL_TYPE],
  ])('never replaces the response of an executed unlink: %s', async (accept, type) => {
    const { status, headers, data } = await unlink(accept);
    expect([status, headers.get('content-type'), data?.unlinkIdentity?.success]).toEqual([200, type, true]);
  });

  test.each([
    ['*/*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    ['application/json', JSON_TYPE],
    ['APPLICATION/GRAPHQL-RESPONSE+JSON', GRAPHQL_TYPE],
    ['application/json, application/graphql-response+json', JSON_TYPE],
    ['application/graphql-response+json, application/json;q=0.9', GRAPHQL_TYPE],
    ['application/json;q=0.9, application/graphql-response+json', GRAPHQL_TYPE],
    ['text/html, application/graphql-response+json;q=0.1, */*;q=0.05', GRAPHQL_TYPE],
    ['application/graphql-response+json;q=0, */*', JSON_TYPE],
    ['application/graphql-response+json; charset=utf-8', GRAPHQL_TYPE],
  ])('selects the type of the response, from the first request on: %s', async (accept, type) => {
    for (let round = 0; round < 2; round++) {
      const { headers } = await stack.ask('{ __typename }', {}, { accept });
      expect(headers.get('content-type')).toBe(type);
    }
  });
});
