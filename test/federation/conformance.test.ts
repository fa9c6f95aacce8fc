import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditServer } from 'graphql-http';
import { ROOT } from '../support/process';
import { type Stack, startStack } from '../support/stack';

const RECORD = readFileSync(join(ROOT, 'docs/decisions/0018-graphql-over-http.md'), 'utf8');

/** The recommendations that are not followed: what is recommended, the response here, and the id of a warning of the audit. */
const NOT_FOLLOWED = [...RECORD.matchAll(/^\| (.+?) +\| (\d{3}\b.*?) +\| (\w{4})? +\|$/gm)].map(
  ([, recommended = '', here = '', warning]) => ({ recommended, here, warning }),
);

const GRAPHQL = 'application/graphql-response+json';
const JSON_TYPE = 'application/json';

/** A request for each of the recommendations, in the same order. */
const REQUESTS: readonly { body: object | string; accept?: string; path?: string }[] = [
  { body: { query: 'mutation { unlinkIdentity(userId: "x", extIdpId: "y") { success } }' } },
  { body: { qeury: '{ __typename }' } },
  { body: { query: '{ nothing }' } },
  { body: { query: 'query A { __typename } query B { __typename }' } },
  { body: { query: 'query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }' } },
  { body: { query: '{ __typename }' }, accept: 'text/html' },
  { body: { query: '{ nothing }' }, accept: JSON_TYPE },
  { body: { query: '{ __typename }' }, path: `/graphql?${'x'.repeat(20_000)}` },
  { body: { query: '{' }, accept: JSON_TYPE },
  { body: { query: '{ nothing }' }, accept: JSON_TYPE },
  { body: { query: 'query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }' }, accept: JSON_TYPE },
];

describe('GraphQL over HTTP', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ env: { INTROSPECTION: 'on' } });
  });
  afterAll(() => stack.close());

  test('is followed in every MUST of the audit, and in every SHOULD that decision 0018 does not list', async () => {
    const results = await auditServer({ url: `${stack.subgraph.url}/graphql` });
    expect(results.length).toBeGreaterThan(50);
    expect(results.filter(({ status }) => status === 'error').map(({ name }) => name)).toEqual([]);
    const warnings = results.filter(({ status }) => status === 'warn').map(({ id }) => id);
    const listed = NOT_FOLLOWED.flatMap(({ warning }) => warning ?? []);
    expect(warnings.sort()).toEqual(listed.sort());
  });

  test('gets the responses that decision 0018 lists instead of those that are recommended', async () => {
    const responses = [];
    for (const { body, accept = GRAPHQL, path = '/graphql' } of REQUESTS) {
      const { status, headers } = await fetch(`${stack.subgraph.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': JSON_TYPE, accept },
        body: JSON.stringify(body),
      });
      const isJson = headers.get('content-type')?.startsWith(JSON_TYPE) === true;
      // The record names the media type in the rows that are about it.
      const isAboutType: boolean = NOT_FOLLOWED[responses.length]?.here.endsWith(' with JSON') === true;
      responses.push(isAboutType && isJson ? `${status} with JSON` : String(status));
    }
    expect(responses).toEqual(NOT_FOLLOWED.map(({ here }) => here));
  });

  test('is followed in the status and the media type of a response without errors', async () => {
    const { status, headers } = await stack.ask('{ __typename }', {}, { accept: GRAPHQL });
    expect([status, headers.get('content-type')]).toEqual([200, `${GRAPHQL}; charset=utf-8`]);
  });
});
