import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '../src/client';
import type { StartOptions } from '../src/emulator';
import { ROOT } from './support/process';
import { startStack } from './support/stack';

interface Documented {
  code: string;
  statuses: number[];
  outcomes: (string | null)[];
  retryAfterMs: boolean;
  meaning: string;
}

const read = (name: string): string => readFileSync(join(ROOT, 'docs', name), 'utf8');
const documented = JSON.parse(read('error-codes.json')) as Documented[];

/** The rows of both tables in docs/errors.md, one for each code in a row. */
function rowsOfPage(): Pick<Documented, 'code' | 'statuses' | 'outcomes' | 'retryAfterMs'>[] {
  const tables = read('errors.md')
    .split('\n')
    .map((line) => line.replaceAll('`', '').split(/ *\| */));
  return tables.flatMap(([, first = '', ...cells]) => {
    const hasStatus = /^\d{3}$/.test(first);
    if (!hasStatus && !/^[A-Z_]+$/.test(first)) return [];
    const [codes = '', outcome = '', retry = ''] = hasStatus ? cells : [first, ...cells];
    const statuses = [hasStatus ? Number(first) : 200];
    const outcomes = [outcome === '–' ? null : outcome];
    return codes.split(', ').map((code) => ({ code, statuses, outcomes, retryAfterMs: retry === 'yes' }));
  });
}

describe('docs/error-codes.json', () => {
  test('has every code of the server and of the client, and no other', () => {
    expect(documented.map(({ code }) => code)).toEqual([...ERROR_CODES]);
  });

  test.each(documented.filter(({ code }) => code !== 'PERSISTED_QUERY_NOT_SUPPORTED'))(
    'says what docs/errors.md says: $code',
    ({ code, statuses, outcomes, retryAfterMs, meaning }) => {
      const rows = rowsOfPage().filter((row) => row.code === code);
      expect(rows.flatMap((row) => row.statuses)).toEqual(statuses);
      // Below its table, the page says which codes an unknown outcome of revokeSessions can have.
      const isOfGenAuth = /^(?:UPSTREAM_|RATE_LIMITED|DEADLINE_EXCEEDED)/.test(code);
      const expected = [...rows.flatMap((row) => row.outcomes), ...(isOfGenAuth ? ['UNKNOWN'] : [])];
      expect(outcomes).toEqual([...new Set(expected)]);
      expect(new Set(rows.map((row) => row.retryAfterMs))).toEqual(new Set([retryAfterMs]));
      expect(meaning).toMatch(/^[A-Z].*\.$/);
    },
  );
});

const USER = '6229ffa1c05e6bfcade3e3d2';
const UNLINK = `mutation { unlinkIdentity(userId: "${USER}", extIdpId: "62f20932716fbcc10d966ee6") { success } }`;
const REVOKE = `mutation { revokeSessions(userId: "${USER}") { success } }`;

interface Case {
  code: string;
  query: string;
  faults?: NonNullable<StartOptions['faults']>;
  request?: RequestInit;
  path?: string;
}

describe('the response of the server', () => {
  test.each<Case>([
    { code: 'BAD_REQUEST', query: '', request: { body: '[]' } },
    { code: 'BAD_USER_INPUT', query: 'query ($ids: [ID!]!) { identityUsers(ids: $ids) { id } }' },
    { code: 'BAD_USER_INPUT', query: UNLINK.replace(USER, '%') },
    { code: 'GRAPHQL_PARSE_FAILED', query: '{' },
    { code: 'GRAPHQL_VALIDATION_FAILED', query: '{ none }' },
    { code: 'METHOD_NOT_ALLOWED', query: '', request: { method: 'PUT' } },
    { code: 'NOT_FOUND', query: '', path: '/elsewhere' },
    { code: 'PAYLOAD_TOO_LARGE', query: ' '.repeat(300_000) },
    { code: 'UNSUPPORTED_MEDIA_TYPE', query: '', request: { headers: { 'content-type': 'text/plain' } } },
    { code: 'UPSTREAM_UNAVAILABLE', query: UNLINK, faults: { 'get-user-batch': 'http-503' } },
    { code: 'UPSTREAM_RATE_LIMITED', query: UNLINK, faults: { 'get-user-batch': 'http-429' } },
    { code: 'UPSTREAM_AUTH_FAILED', query: UNLINK, faults: { 'get-user-batch': 'envelope-401' } },
    { code: 'UPSTREAM_BAD_RESPONSE', query: UNLINK, faults: { 'get-user-batch': 'not-json' } },
    { code: 'UPSTREAM_REJECTED', query: UNLINK, faults: { 'get-user-batch': 'envelope-403' } },
    { code: 'UNLINK_OUTCOME_UNKNOWN', query: UNLINK, faults: { 'unlink-identity': 'reset-before-execute' } },
    { code: 'UPSTREAM_UNAVAILABLE', query: REVOKE, faults: { 'kick-users': 'reset-before-execute' } },
  ])('has a status, an outcome and a retryAfterMs that its code may have: $code', async (each) => {
    const { code, query, faults = {}, request, path = '/graphql' } = each;
    const stack = await startStack({ emulator: { faults } });
    const response = await fetch(`${stack.subgraph.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
      ...request,
    });
    const body = (await response.json()) as { errors: { extensions: Record<string, unknown> }[] };
    await stack.close();
    const { outcome = null, retryAfterMs, ...extensions } = body.errors[0]?.extensions ?? {};
    expect(extensions).toMatchObject({ code });
    const entry = documented.find((candidate) => candidate.code === code);
    expect(entry?.statuses).toContain(response.status);
    expect(entry?.outcomes).toContain(outcome);
    expect(retryAfterMs !== undefined).toBe(entry?.retryAfterMs === true && outcome !== 'UNKNOWN');
  });
});
