import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Fault } from '../faults/faultCase';
import type { Matches } from '../faults/proxy';
import * as responses from '../faults/responses';
import { type FaultStack, isRead, isUnlink, SOURCE, USER, withStack } from '../faults/stack';
import { describeWith } from '../support/optional';

const isReadAfterUnlink: Matches = (request, all) => isRead(request) && all.some(isUnlink);

interface Shown {
  said: string;
  retryAfterMs?: number;
  sources: string[];
}

/** What happens, what a person is told, and whether the account is shown as linked afterwards. */
const CASES: readonly {
  name: string;
  fault?: Pick<Fault, 'env' | 'seed'>;
  before?: (stack: FaultStack) => void;
  said: Omit<Shown, 'sources'>;
  isShown: boolean;
}[] = [
  { name: 'done', said: { said: 'disconnected' }, isShown: false },
  {
    name: 'done, while the read afterwards fails',
    before: ({ proxy }) => proxy.inject(isReadAfterUnlink, responses.http(503)),
    said: { said: 'disconnected' },
    isShown: false,
  },
  {
    name: 'refused',
    before: ({ proxy }) => proxy.inject(isUnlink, responses.envelope(422, 2216)),
    said: { said: 'refused' },
    isShown: true,
  },
  {
    name: 'the last way to sign in',
    fault: {
      env: { LAST_IDENTITY_GUARD: 'all' },
      seed: {
        extIdps: [{ id: SOURCE, name: 'WeChat', type: 'wechat' }],
        users: [{ id: USER, identities: [{ extIdpId: SOURCE, userIdInIdp: 'one' }] }],
      },
    },
    said: { said: 'last way to sign in' },
    isShown: true,
  },
  {
    name: 'an unknown outcome',
    before: ({ proxy }) => proxy.inject(isUnlink, responses.reset),
    said: { said: 'checking' },
    isShown: true,
  },
  {
    name: 'a rate limit',
    before: ({ proxy }) => proxy.inject(isUnlink, responses.http(429, '', { 'retry-after': '5' })),
    said: { said: 'again later', retryAfterMs: 5_000 },
    isShown: true,
  },
];

const isInstalled = existsSync(join(__dirname, 'node_modules'));

async function show(client: string, { url }: FaultStack): Promise<Shown> {
  const script = join(__dirname, 'clients.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, client, url, USER, SOURCE]);
  return JSON.parse(stdout) as Shown;
}

jest.setTimeout(60_000);

describeWith(isInstalled)('a page that assumes that an unlink succeeds, until the response arrives', () => {
  describe.each(['apollo', 'urql', 'graphql-request'])('with %s', (client) => {
    test.concurrent.each(CASES.map((each) => [each.name, each] as const))('shows %s', (_name, each) =>
      withStack(each.fault ?? {}, async (stack) => {
        each.before?.(stack);
        const { sources, ...said } = await show(client, stack);
        expect(said).toEqual(each.said);
        expect(sources.includes(SOURCE)).toBe(each.isShown);
      }),
    );
  });
});
