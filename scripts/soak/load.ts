import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { credentials, ENTITIES, representations, UNLINK } from '../../test/support/stack';

/** What became of the requests. */
export interface Tally {
  sent: number;
  /** By what was asked, and how that went. */
  outcomes: Map<string, number>;
  /** Errors by the code they carry. */
  codes: Map<string, number>;
  /** Requests that ended without an answer, other than by our own doing, by the reason. */
  unanswered: Map<string, number>;
}

export interface LoadOptions {
  url: string;
  userIds: readonly string[];
  extIdpIds: readonly string[];
  /** An access token: of an operator who may do everything, of one who may only read, of one who was never here. */
  token: (of: 'operator' | 'reader' | 'stranger') => string;
  /** Requests per second. */
  rate: number;
  /** Whether it is time to stop. */
  over: () => boolean;
}

interface Ask {
  body: string;
  headers?: Record<string, string>;
  method?: 'GET' | 'POST';
  path?: string;
}

/** What a request is, and how many of a hundred are so. */
type Kind = readonly [name: string, share: number, send: () => Promise<void>];

const TICK_MS = 20;
const MAX_UNDER_WAY = 2_000;

/** Sends requests of every kind at a steady rate, whatever becomes of them, until it is told to stop; then waits for the rest. */
export async function drive(options: LoadOptions, tally: Tally): Promise<void> {
  const { rate, over } = options;
  const agent = new Agent({ connections: 64, pipelining: 1 });
  const kinds = kindsOf(options, agent, tally);
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();
  while (!over()) {
    for (const due = ((performance.now() - startedAt) / 1_000) * rate; tally.sent < due; tally.sent++) {
      if (underWay.size >= MAX_UNDER_WAY) {
        count(tally.unanswered, 'never sent: too many were under way');
        continue;
      }
      const sending = pick(kinds)().finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
    await pause(TICK_MS);
  }
  await Promise.all(underWay);
  await agent.close();
}

function kindsOf({ url, userIds, extIdpIds, token }: LoadOptions, agent: Agent, tally: Tally): readonly Kind[] {
  const operator = (): Record<string, string> => credentials(token('operator'));
  const users = (amount: number): string[] => Array.from({ length: amount }, () => any(userIds));
  const read = (amount: number): Ask => ask(ENTITIES, representations(users(amount)), operator());
  let next = 0;
  // One identity after the other, so that nobody else unlinks it meanwhile.
  const unlink = (): Ask => {
    const number = next++;
    const userId = userIds[number % userIds.length];
    const extIdpId = extIdpIds[Math.floor(number / userIds.length) % extIdpIds.length];
    return ask(UNLINK, { userId, extIdpId }, operator());
  };
  const bad: readonly (() => Ask)[] = [
    () => ({ body: '{"query":', headers: operator() }),
    () => ({ body: '[]', headers: operator() }),
    () => ({ body: '', headers: operator(), method: 'GET' }),
    () => ({ body: '{}', headers: operator(), path: '/nowhere' }),
    () => ask('{ nobody { knows } }', {}, operator()),
    () => ask('{ __schema { types { name } } }', {}, operator()),
    () => ask(ENTITIES, representations(['not an id']), operator()),
    () => ask(ENTITIES, representations(['f'.repeat(24)]), operator()),
    () => ask(`{ ${'__typename '.repeat(5_000)} }`, {}, operator()),
    () => ask(ENTITIES, representations(users(1)), {}),
    () => ask(ENTITIES, representations(users(1)), credentials(token('stranger'))),
    () => ask(ENTITIES, representations(users(1)), credentials('not.a.token')),
    () => ask(UNLINK, { userId: any(userIds), extIdpId: any(extIdpIds) }, credentials(token('reader'))),
  ];
  const send = (name: string, asked: Ask): Promise<void> => sendOne(agent, url, name, asked, tally);
  const leave = (name: string, asked: Ask): Promise<void> =>
    sendOne(agent, url, name, asked, tally, AbortSignal.timeout(randomInt(1, 40)));
  return [
    ['read', 58, () => send('read of 1 user', read(1))],
    ['read of 50', 12, () => send('read of 50 users', read(50))],
    ['unlink', 15, () => send('unlink', unlink())],
    ['bad', 9, () => send('bad request', any(bad)())],
    ['left read', 2, () => leave('read, and gone', read(50))],
    ['left unlink', 2, () => leave('unlink, and gone', unlink())],
    ['half', 2, () => sendHalf(url, tally)],
  ];
}

function ask(query: string, variables: object, headers: Record<string, string>): Ask {
  return { body: JSON.stringify({ query, variables }), headers };
}

async function sendOne(
  dispatcher: Agent,
  url: string,
  name: string,
  { body, headers = {}, method = 'POST', path = '/graphql' }: Ask,
  tally: Tally,
  leaving?: AbortSignal,
): Promise<void> {
  try {
    const answer = await request(`${url}${path}`, {
      dispatcher,
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(method === 'POST' ? { body } : {}),
      ...(leaving === undefined ? {} : { signal: leaving }),
    });
    const { data, errors = [] } = (await answer.body.json()) as Answered;
    count(tally.outcomes, `${name}: ${outcomeOf(answer.statusCode, data, errors.length)}`);
    for (const { extensions } of errors) count(tally.codes, extensions.code);
  } catch (error) {
    if (leaving?.aborted === true) return count(tally.outcomes, `${name}: gone`);
    count(tally.unanswered, `${name}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).name}`);
  }
}

interface Answered {
  data?: Record<string, unknown> | null;
  errors?: readonly { extensions: { code: string } }[];
}

function outcomeOf(status: number, data: Answered['data'], errors: number): string {
  if (status !== 200) return `refused with ${status}`;
  if (errors === 0) return 'ok';
  return Object.values(data ?? {}).some((value) => value !== null) ? 'partial' : 'error';
}

/** A client that goes away in the middle of what it has to say. */
async function sendHalf(url: string, tally: Tally): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('POST /graphql HTTP/1.1\r\nhost: subgraph\r\ncontent-type: application/json\r\ncontent-length: 100\r\n');
  if (randomInt(2) === 0) socket.write('\r\n{"query":"{ __ty');
  await pause(randomInt(1, 40));
  socket.destroy();
  count(tally.outcomes, 'half a request: gone');
}

function pick(kinds: readonly Kind[]): () => Promise<void> {
  let left = randomInt(kinds.reduce((sum, [, share]) => sum + share, 0));
  for (const [, share, send] of kinds) {
    left -= share;
    if (left < 0) return send;
  }
  throw new Error('no kind of request was picked');
}

function any<Item>(items: readonly Item[]): Item {
  return items[randomInt(items.length)] as Item;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
