import { randomInt } from 'node:crypto';
import type { Pool } from 'undici';
import { credentials, ENTITIES, representations, UNLINK } from '../../test/support/stack';
import { ACCOUNTS, aliasedDocument, entitiesDocument, PAGE_UNLINK } from '../documents';
import { send } from '../response';
import { HOSTILE_CLIENTS, sendHostile, toHttp } from './hostile';

/** Counts what became of the requests. */
export interface Tally {
  sent: number;
  /** Requests that the load generator sent more than a second after they were due. */
  late: number;
  /** By kind of request and its result. */
  outcomes: Map<string, number>;
  /** Errors by their code. */
  codes: Map<string, number>;
  /** Requests without a response, by reason, except those whose client closed the connection. */
  unanswered: Map<string, number>;
}

export interface MixOptions {
  url: string;
  userIds: readonly string[];
  extIdpIds: readonly string[];
  /** Returns an access token: with both scopes, with the scope to read, or of an unknown issuer. */
  token: (of: 'operator' | 'reader' | 'unknownIssuer') => string;
}

interface HttpRequest {
  body: string;
  headers?: Record<string, string>;
  method?: 'GET' | 'POST';
  path?: string;
}

/** A kind of request, and its share of 100 requests. */
type Kind = readonly [share: number, send: () => Promise<void>];

const LATE_MS = 1_000;

const PAGE = entitiesDocument('page');

/** Sends requests of all kinds, in random order, and counts what becomes of them. */
export class RequestMix {
  readonly tally: Tally = { sent: 0, late: 0, outcomes: new Map(), codes: new Map(), unanswered: new Map() };
  readonly #pool: Pool;
  readonly #options: MixOptions;
  readonly #kinds: readonly Kind[];
  readonly #badRequests: readonly (() => HttpRequest)[];
  #unlinks = 0;

  constructor(pool: Pool, options: MixOptions) {
    this.#pool = pool;
    this.#options = options;
    this.#kinds = this.#createKinds();
    this.#badRequests = this.#createBadRequests();
  }

  async send(dueAt: number): Promise<void> {
    this.tally.sent++;
    if (performance.now() - dueAt > LATE_MS) this.tally.late++;
    let left = randomInt(this.#kinds.reduce((sum, [share]) => sum + share, 0));
    for (const [share, sendOne] of this.#kinds) {
      left -= share;
      if (left < 0) return sendOne();
    }
  }

  #createKinds(): readonly Kind[] {
    return [
      [31, () => this.#send('read of 1 user', this.#read(1))],
      [20, () => this.#send('page of 1 user', this.#read(1, PAGE))],
      [5, () => this.#send('page of 50 users', this.#read(50, PAGE))],
      [5, () => this.#send('read of 50 users', this.#read(50))],
      [5, () => this.#send('read of 3 lists', this.#readLists(3))],
      [2, () => this.#send('owners of 20 accounts', this.#findOwners(20))],
      [10, () => this.#send('unlink', this.#unlink())],
      [5, () => this.#send('unlink from the page', this.#unlink(PAGE_UNLINK))],
      [9, () => this.#send('bad request', any(this.#badRequests)())],
      [2, () => this.#sendAndClose('read, client left', this.#read(50))],
      [2, () => this.#sendAndClose('unlink, client left', this.#unlink())],
      [4, () => this.#sendHostile()],
    ];
  }

  #createBadRequests(): readonly (() => HttpRequest)[] {
    const { userIds, extIdpIds, token } = this.#options;
    const oneUser = (): { representations: unknown[] } => representations([any(userIds)]);
    return [
      () => ({ body: '{"query":', headers: this.#operator() }),
      () => ({ body: '[]', headers: this.#operator() }),
      () => ({ body: '', headers: this.#operator(), method: 'GET' }),
      () => ({ body: '{}', headers: this.#operator(), path: '/nowhere' }),
      () => graphql('{ unknownField { name } }', {}, this.#operator()),
      () => graphql('{ __schema { types { name } } }', {}, this.#operator()),
      () => graphql(ENTITIES, representations(['not an id']), this.#operator()),
      () => graphql(ENTITIES, representations(['f'.repeat(24)]), this.#operator()),
      () => graphql(`{ ${'__typename '.repeat(5_000)} }`, {}, this.#operator()),
      () =>
        graphql(
          `{ ${range(600)
            .map((alias) => `a${alias}: __typename`)
            .join(' ')} }`,
          {},
          this.#operator(),
        ),
      () =>
        graphql(
          `
            ${'{ a '.repeat(40)}
            ${'}'.repeat(40)}
          `,
          {},
          this.#operator(),
        ),
      () => ({ body: ' '.repeat(300 * 1024), headers: this.#operator() }),
      () => graphql(ENTITIES, oneUser(), {}),
      () => graphql(ENTITIES, oneUser(), credentials(token('unknownIssuer'))),
      () => graphql(ENTITIES, oneUser(), credentials('not.a.token')),
      () => graphql(UNLINK, { userId: any(userIds), extIdpId: any(extIdpIds) }, credentials(token('reader'))),
    ];
  }

  #operator(): Record<string, string> {
    return credentials(this.#options.token('operator'));
  }

  #read(users: number, document = ENTITIES): HttpRequest {
    return graphql(document, representations(this.#userIds(users)), this.#operator());
  }

  #readLists(lists: number): HttpRequest {
    const variables = range(lists).map((list) => [
      `_v${list}_representations`,
      representations(this.#userIds(10)).representations,
    ]);
    return graphql(aliasedDocument(lists), Object.fromEntries(variables) as object, this.#operator());
  }

  #findOwners(accounts: number): HttpRequest {
    const userIdsInIdp = range(accounts).map(() => `account-${randomInt(2_000)}`);
    return graphql(ACCOUNTS, { extIdpId: any(this.#options.extIdpIds), userIdsInIdp }, this.#operator());
  }

  #userIds(users: number): string[] {
    return range(users).map(() => any(this.#options.userIds));
  }

  /** Goes through all identities in turn, so that no two concurrent requests unlink the same one. */
  #unlink(document = UNLINK): HttpRequest {
    const { userIds, extIdpIds } = this.#options;
    const number = this.#unlinks++;
    const userId = userIds[number % userIds.length];
    const extIdpId = extIdpIds[Math.floor(number / userIds.length) % extIdpIds.length];
    return graphql(document, { userId, extIdpId }, this.#operator());
  }

  /** Closes the connection before the response, in most cases. */
  #sendAndClose(kind: string, request: HttpRequest): Promise<void> {
    return this.#send(kind, request, AbortSignal.timeout(randomInt(1, 40)));
  }

  async #send(
    kind: string,
    { body, headers = {}, method = 'POST', path = '/graphql' }: HttpRequest,
    leaving: AbortSignal | null = null,
  ): Promise<void> {
    const { outcomes, codes, unanswered } = this.tally;
    try {
      const response = await send(
        this.#pool,
        {
          method,
          path,
          headers: { 'content-type': 'application/json', ...headers },
          body: method === 'POST' ? body : null,
        },
        leaving,
      );
      const { data, errors = [] } = JSON.parse(response.text()) as GraphQLBody;
      count(outcomes, `${kind}: ${outcomeOf(response.status, data, errors.length)}`);
      for (const { extensions } of errors) count(codes, extensions.code);
    } catch (error) {
      if (leaving?.aborted === true) return count(outcomes, `${kind}: closed`);
      count(unanswered, `${kind}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).name}`);
    }
  }

  async #sendHostile(): Promise<void> {
    const { body, headers = {} } = this.#read(50, PAGE);
    const [name, client] = any(Object.entries(HOSTILE_CLIENTS));
    await sendHostile(client, this.#options.url, toHttp(body, headers));
    count(this.tally.outcomes, `hostile client: ${name}`);
  }
}

interface GraphQLBody {
  data?: Record<string, unknown> | null;
  errors?: readonly { extensions: { code: string } }[];
}

function graphql(query: string, variables: object, headers: Record<string, string>): HttpRequest {
  return { body: JSON.stringify({ query, variables }), headers };
}

function outcomeOf(status: number, data: GraphQLBody['data'], errors: number): string {
  if (status !== 200) return `rejected with ${status}`;
  if (errors === 0) return 'ok';
  return Object.values(data ?? {}).some((value) => value !== null) ? 'partial' : 'error';
}

function any<Item>(items: readonly Item[]): Item {
  return items[randomInt(items.length)] as Item;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
