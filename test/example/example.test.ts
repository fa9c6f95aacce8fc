import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Example, type Person, startExample } from '../support/example';
import { describeWith } from '../support/optional';
import { JSON_TYPE, request, send } from '../support/rawHttp';
import { type AnsweredError, post } from '../support/stack';

interface Me {
  me: {
    id: string;
    name: string | null;
    identities: Identity[] | null;
    linkableSources: { name: string }[] | null;
  } | null;
}

interface Identity {
  extIdpId: string;
  type: string;
  label: string | null;
  source: { name: string; logo: string } | null;
  unlinkBlockedBy: string | null;
}

const ME = `{ me { id name linkableSources { name }
  identities { extIdpId type label source { name logo } unlinkBlockedBy } } }`;
const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success removed { extIdpId } user { name } }
}`;

const codesOf = (errors: readonly AnsweredError[]) => errors.map(({ extensions }) => extensions['code']);

// A start takes 3 s of one core.
jest.setTimeout(60_000);

describe('npm run example', () => {
  let example: Example;
  /** What `me` is for each of the people, in the same order. */
  let everybody: { person: Person; me: NonNullable<Me['me']>; identities: Identity[] }[];

  beforeAll(async () => {
    example = await startExample();
    everybody = await Promise.all(
      example.people.map(async (person) => {
        const { data } = await example.ask<Me>(ME, person.token);
        if (!data?.me?.identities) throw new Error(`${person.text} has no identities`);
        return { person, me: data.me, identities: data.me.identities };
      }),
    );
  });
  afterEach(() => example.setFaults());
  afterAll(() => example.stop());

  /** Returns somebody with accounts at two sources or more, and one of these sources. */
  function withTwoSources(): { person: Person; userId: string; extIdpId: string } {
    const found = everybody.find(({ identities }) => new Set(identities.map(({ extIdpId }) => extIdpId)).size > 1);
    const extIdpId = found?.identities[0]?.extIdpId;
    if (found === undefined || extIdpId === undefined) throw new Error('nobody has accounts at two sources');
    return { person: found.person, userId: found.me.id, extIdpId };
  }

  test('prints addresses, links and commands on stdout, one on each line, and its log on stderr', () => {
    const { port } = new URL(example.pageUrl);
    const kinds = example
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => /^(?:Sign in|\w+)/.exec(line)?.[0]);
    expect(kinds).toEqual([
      ...['Page', 'GraphQL', 'Emulator', 'Audit'],
      ...[...example.people, example.operator].map(() => 'Sign in'),
      ...example.curls.map(() => 'curl'),
    ]);
    expect(example.stdout()).toMatch(
      new RegExp(
        `^Page       http://localhost:${port}/\nGraphQL    http://localhost:${port}/graphql\n` +
          `Emulator   http://127\\.0\\.0\\.1:\\d+\nAudit      /\\S+\nSign in    http://localhost:${port}/#token=\\S+   张三: `,
      ),
    );
    expect(example.output()).toContain('"msg":"ready"');
    expect(example.output()).toContain('For demonstration only');
  });

  test('names the sources of each person, and gives the operator all four scopes and every token an hour or more', () => {
    for (const { person, me, identities } of everybody) {
      const names = identities.map(({ source }) => source?.name ?? 'a deleted source');
      expect(person.text).toBe(`${me.name}: ${[...new Set(names)].join(', ')}`);
    }
    const claims = [...example.people, example.operator].map(
      ({ token }) =>
        JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>,
    );
    expect(claims.at(-1)).toMatchObject({
      scope: 'identity:read identity:unlink identity:link identity:sessions',
    });
    expect(claims.slice(0, -1).filter(({ scope }) => scope !== undefined)).toEqual([]);
    expect(Math.min(...claims.map(({ exp }) => Number(exp)))).toBeGreaterThan(Date.now() / 1000 + 3_600);
  });

  test('has people with three sources, with WeChat under two types, and with nothing but a last way to sign in', () => {
    const sources = everybody.map(({ identities }) => new Set(identities.map(({ extIdpId }) => extIdpId)).size);
    expect(Math.max(...sources)).toBeGreaterThanOrEqual(3);
    const wechat = everybody.map(
      ({ identities }) =>
        new Set(identities.filter(({ source }) => source?.name === '微信').map(({ type }) => type)).size,
    );
    expect(wechat).toContain(2);
    const blocks = everybody.map(({ identities }) => [...new Set(identities.map((each) => each.unlinkBlockedBy))]);
    expect(blocks).toContainEqual(['LAST_IDENTITY']);
    expect(blocks).toContainEqual([null]);
  });

  test('shows sources that can be connected, a label of most accounts, and logos that need no other origin', () => {
    expect(everybody.filter(({ me }) => (me.linkableSources ?? []).length > 0).length).toBeGreaterThan(1);
    const identities = everybody.flatMap((each) => each.identities);
    const labels = identities.filter(({ label }) => label !== null);
    expect(labels.length).toBeGreaterThan(identities.length / 2);
    const logos = identities.flatMap(({ source }) => source?.logo ?? []);
    expect(logos.length).toBeGreaterThan(3);
    expect(logos.filter((logo) => !logo.startsWith('data:image/svg+xml,'))).toEqual([]);
  });

  describeWith(spawnSync('curl', ['--version']).status === 0)('the printed commands (need curl)', () => {
    test('work as printed', async () => {
      expect(example.curls.some((command) => command.includes('mutation'))).toBe(true);
      expect(example.curls.some((command) => !command.includes('mutation'))).toBe(true);
      for (const command of example.curls) {
        const { stdout } = await promisify(execFile)('sh', ['-c', command]);
        const { data, errors } = JSON.parse(stdout) as { data: Record<string, unknown>; errors?: unknown };
        expect(errors).toBeUndefined();
        expect(Object.values(data)).toEqual([expect.any(Object)]);
        if (command.includes('mutation')) expect(data['unlinkIdentity']).toMatchObject({ success: true });
      }
    });
  });

  test('a missing, an expired or a wrong token is an error inside HTTP 200', async () => {
    const [person] = example.people;
    if (person === undefined) throw new Error('there are no people');
    const now = Math.floor(Date.now() / 1000);
    const refused = [
      undefined,
      example.sign(person, { iat: now - 7_200, exp: now - 3_600 }),
      example.sign(person, { aud: 'another' }),
      `${person.token.slice(0, -4)}AAAA`,
    ];
    for (const token of refused) {
      const { status, data, errors } = await example.ask<Me>(ME, token);
      expect([status, data]).toEqual([200, { me: null }]);
      expect(codesOf(errors)).toEqual(['UNAUTHENTICATED']);
      const unlink = await example.ask(UNLINK, token, { userId: 'x', extIdpId: 'y' });
      expect([unlink.status, unlink.data]).toEqual([200, { unlinkIdentity: null }]);
      expect(unlink.errors.map(({ extensions }) => extensions)).toEqual([
        expect.objectContaining({ code: 'UNAUTHENTICATED', outcome: 'NOT_EXECUTED' }),
      ]);
    }
    expect((await example.ask<Me>(ME, example.sign(person, { exp: now + 60 }))).errors).toEqual([]);
  });

  test('an outage of GenAuth keeps the name of the person, and says that identities could not be read', async () => {
    const { person } = withTwoSources();
    await example.setFaults({ '*': 'http-503' });
    const { data, errors } = await example.ask<Me>('{ me { name identities { id } } }', person.token);
    expect(data?.me).toEqual({ name: person.text.split(':')[0], identities: null });
    expect(codesOf(errors)).toEqual(['UPSTREAM_UNAVAILABLE']);
    expect(errors[0]?.path).toEqual(['me', 'identities']);
  });

  test('the outcome of a mutation and the time after which to try again reach the client', async () => {
    const { person, ...target } = withTwoSources();
    await example.setFaults({ 'unlink-identity': 'http-429:2' });
    const limited = await example.ask(UNLINK, person.token, target);
    expect(limited.errors.map(({ extensions }) => extensions)).toEqual([
      expect.objectContaining({
        code: 'UPSTREAM_RATE_LIMITED',
        outcome: 'NOT_EXECUTED',
        retryAfterMs: expect.any(Number) as unknown,
      }),
    ]);
    const { extensions } = limited.errors[0] as AnsweredError;
    await new Promise((resolve) => setTimeout(resolve, Number(extensions['retryAfterMs'])));
    await example.setFaults({ 'unlink-identity': 'reset-before-execute' });
    const unknown = await example.ask(UNLINK, person.token, target);
    expect(unknown.errors.map(({ extensions: { code, outcome } }) => [code, outcome])).toEqual([
      ['UNLINK_OUTCOME_UNKNOWN', 'UNKNOWN'],
    ]);
  });

  test('the id of a request is the one in the audit record and in the log', async () => {
    const { person, ...target } = withTwoSources();
    const response = await post(
      example.graphqlUrl,
      { query: UNLINK, variables: target },
      { authorization: `Bearer ${person.token}`, 'x-request-id': 'request-of-the-page' },
    );
    expect(await response.json()).toMatchObject({ data: { unlinkIdentity: { success: true } } });
    const records = readFileSync(example.auditFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(
      records.filter((record) => 'requestId' in record && record.requestId === 'request-of-the-page'),
    ).toHaveLength(2);
    await example.waitFor(/"requestId":"request-of-the-page"/);
  });

  test('the operator reads and signs out other people, and other people do not', async () => {
    const { person, userId } = withTwoSources();
    const [other] = everybody.filter(({ me }) => me.id !== userId);
    const query = 'query ($ids: [ID!]) { identityUsers(ids: $ids) { id } }';
    const ids = { ids: [other?.me.id] };
    expect((await example.ask(query, example.operator.token, ids)).data).toEqual({
      identityUsers: [{ id: other?.me.id }],
    });
    expect(codesOf((await example.ask(query, person.token, ids)).errors)).toEqual(['FORBIDDEN']);
    const signOut = `mutation { revokeSessions(userId: "${other?.me.id}") { success } }`;
    expect((await example.ask(signOut, example.operator.token)).data).toEqual({ revokeSessions: { success: true } });
    expect(codesOf((await example.ask(signOut, person.token)).errors)).toEqual(['FORBIDDEN']);
  });

  test('pages of other origins cannot frame it or read from it, and no response permits scripts of other origins', async () => {
    const { port } = new URL(example.pageUrl);
    for (const url of [`http://127.0.0.1:${port}/`, `${example.pageUrl}no-such-file`, example.graphqlUrl]) {
      const { headers } = await fetch(url, { headers: { origin: 'https://elsewhere.example' } });
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'self';.*frame-ancestors 'none'/);
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('a name of another site for this machine gets nothing', async () => {
    for (const target of ['/graphql', '/emulator/faults', '/']) {
      const responses = await send(example.pageUrl, request(target, [JSON_TYPE]));
      expect(responses.map(({ status, body }) => [status, body])).toEqual([[421, 'Use http://localhost\n']]);
    }
  });

  test('serves the page, its files, and the faults of the emulator on one origin', async () => {
    const page = await fetch(example.pageUrl);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const [, script = ''] = /<script type="module" src="([^"]+)"/.exec(await page.text()) ?? [];
    const file = await fetch(new URL(script, example.pageUrl));
    expect(file.headers.get('content-type')).toContain('javascript');
    for (const path of ['no-such-file', '..%2fpackage.json', '%2e%2e/package.json', 'graphql/x']) {
      expect([403, 404]).toContain((await fetch(`${example.pageUrl}${path}`)).status);
    }
    expect((await fetch(example.graphqlUrl)).status).toBe(405);

    const faults = `${example.pageUrl}emulator/faults`;
    await fetch(faults, { method: 'PUT', body: '{"get-user-batch":"http-502"}' });
    expect(await (await fetch(`${example.emulatorUrl}/emulator/faults`)).text()).toContain('http-502');
    expect((await fetch(faults, { method: 'PUT', body: '{"nothing":"http-502"}' })).status).toBe(400);
    await fetch(faults, { method: 'DELETE' });
    expect(await (await fetch(faults)).json()).toEqual({});
  });
});
