import { randomUUID } from 'node:crypto';
import { ERROR_CODES, errorsOf, isUnauthenticated, type TypedText } from '../client';
import { NotAllowedError, type StopError, UnavailableError, UsageError } from './errors';
import type { Concurrency } from './concurrency';
import type { Pace } from './pace';
import { printable } from './terminal';
import type { Token } from './token';

/** The body of a GraphQL response. */
export interface Body<Data> {
  data?: Data | null;
  errors?: readonly { message?: unknown; extensions?: Readonly<Record<string, unknown>>; path?: readonly unknown[] }[];
}

/** The result of a request. `problem` describes a failure. */
export type Reply<Data> =
  | { kind: 'response'; body: Body<Data> }
  /** The connection could not be established, so that nothing was executed. */
  | { kind: 'notSent'; problem: string }
  /** It may have been executed. `isWrongUrl`: no GraphQL server is at the URL. */
  | { kind: 'lost'; problem: string; isWrongUrl: boolean; retryAfterMs: number };

export interface SupergraphOptions {
  url: string;
  token: Token;
  pace: Pace;
  concurrency: Concurrency;
  /** Aborted when nothing new may be begun. The reason is a `StopError`. */
  stop: AbortController;
  /** Default: none. Recorded in the audit trail beside the intent of each write. */
  reason?: string | undefined;
}

/** Longer than any router waits for the subgraph. */
const TIMEOUT_MS = 60_000;
/** The attempts of a read before the run starts (4 s), and while it is running (two minutes). */
const ATTEMPTS = { first: 5, running: 11 };

/** The supergraph, as a client with the token of its user sees it. */
export class Supergraph {
  readonly #options: SupergraphOptions;
  readonly #prefix = `cli-${randomUUID().slice(0, 8)}`;
  #requests = 0;

  constructor(options: SupergraphOptions) {
    this.#options = options;
  }

  get pace(): Pace {
    return this.#options.pace;
  }

  get concurrency(): Concurrency {
    return this.#options.concurrency;
  }

  get signal(): AbortSignal {
    return this.#options.stop.signal;
  }

  /** Ends the run: nothing new is begun. The first reason decides. */
  stop(reason: StopError): void {
    this.#options.stop.abort(reason);
  }

  /** How often a read that fails transiently is tried. */
  get attempts(): number {
    return this.pace.successes === 0 ? ATTEMPTS.first : ATTEMPTS.running;
  }

  /** Returns a new `x-request-id`. Those of one run begin alike. */
  createRequestId(): string {
    return `${this.#prefix}-${++this.#requests}`;
  }

  /**
   * Sends a query, and repeats it after transient failures.
   *
   * @returns A body with data. Single fields of it may have failed.
   * @throws {StopError}
   */
  async query<Data, Variables>(document: TypedText<Data, Variables>, variables: Variables): Promise<Body<Data>> {
    for (let attempt = 1; ; attempt++) {
      await this.pace.turn(this.signal);
      const reply = await this.send(document, variables);
      if (reply.kind === 'response' && typeof reply.body.data === 'object' && reply.body.data !== null) {
        return reply.body;
      }
      const { problem, retryAfterMs } = describe(reply);
      if (reply.kind === 'lost' && reply.isWrongUrl && this.pace.successes === 0) throw new UsageError(problem);
      if (retryAfterMs === undefined || attempt >= this.attempts) throw new UnavailableError(problem);
      this.pace.pause(retryAfterMs);
    }
  }

  /**
   * Sends one request, and a second one with a new token if the token was refused. The caller waits for its turn before.
   *
   * @throws {NotAllowedError}
   */
  async send<Data, Variables>(
    document: TypedText<Data, Variables>,
    variables: Variables,
    requestId = this.createRequestId(),
  ): Promise<Reply<Data>> {
    const { token } = this.#options;
    const used = await token.current();
    let reply = await this.#post<Data>(document, variables, requestId, used);
    if (isTokenRefused(reply) && (await token.renew(used))) {
      reply = await this.#post<Data>(document, variables, requestId, await token.current());
    }
    if (isTokenRefused(reply))
      throw new NotAllowedError(`The token was refused. ${token.advice}`, { cause: 'UNAUTHENTICATED' });
    if (reply.kind === 'response' && errorsOf(reply.body).some(({ code }) => FORBIDDEN.has(code ?? ''))) {
      throw new NotAllowedError('The token does not permit this. docs/admin.md lists the scopes.', {
        cause: 'FORBIDDEN',
      });
    }
    return reply;
  }

  async #post<Data>(query: string, variables: unknown, requestId: string, token: string | null): Promise<Reply<Data>> {
    const { url, reason } = this.#options;
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      'x-request-id': requestId,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(reason === undefined ? {} : { 'x-audit-reason': encodeURIComponent(reason) }),
    };
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const body = JSON.stringify({ query, variables });
      const response = await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal });
      return await toReply<Data>(response, url);
    } catch (error) {
      return toFailure(error, url);
    }
  }
}

const FORBIDDEN: ReadonlySet<string> = new Set(['FORBIDDEN', 'UNAUTHORIZED_FIELD_OR_TYPE']);

function isTokenRefused<Data>(reply: Reply<Data>): boolean {
  return reply.kind === 'response' && isUnauthenticated(reply.body);
}

async function toReply<Data>(response: Response, url: string): Promise<Reply<Data>> {
  const { status, headers } = response;
  const body = parse<Data>(await response.text());
  if (body !== null && (body.data !== undefined || Array.isArray(body.errors))) return { kind: 'response', body };
  if (status === 401) return { kind: 'response', body: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } };
  if (status === 403) return { kind: 'response', body: { errors: [{ extensions: { code: 'FORBIDDEN' } }] } };
  const type = headers.get('content-type')?.split(';')[0] ?? 'no content type';
  const location = headers.get('location');
  const hint = location === null ? '' : ` It redirects to ${location}: give the final address.`;
  const seconds = Number(headers.get('retry-after') ?? 0);
  return {
    kind: 'lost',
    problem: printable(`${url} responds with HTTP ${status} (${type}), which is no GraphQL response.${hint}`),
    isWrongUrl: status < 500 && status !== 408 && status !== 429,
    retryAfterMs: seconds > 0 ? seconds * 1_000 : 0,
  };
}

function parse<Data>(text: string): Body<Data> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

/** Errors of the system before a connection is established. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function toFailure(error: unknown, url: string): Reply<never> {
  const { name, cause } = error as Error;
  const { code = name } = (cause ?? {}) as { code?: string };
  const problem = printable(`${url} cannot be reached (${code}).`);
  if (NOT_SENT.has(code) || code.includes('CERT')) return { kind: 'notSent', problem };
  return { kind: 'lost', problem, isWrongUrl: false, retryAfterMs: 0 };
}

/** Without `retryAfterMs`, sending the query again cannot help. */
function describe(reply: Reply<unknown>): { problem: string; retryAfterMs?: number } {
  if (reply.kind === 'notSent') return { problem: reply.problem, retryAfterMs: 0 };
  if (reply.kind === 'lost') return reply;
  const [error] = errorsOf(reply.body);
  const message = reply.body.errors?.[0]?.message;
  const text = typeof message === 'string' ? `: ${message.slice(0, 200)}` : '';
  const problem = printable(`The supergraph reports an error (${error?.code ?? 'no code'})${text}`);
  const retryAfterMs = error === undefined ? 0 : retryAfter(error.code, error.retryAfterMs);
  return { problem, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/**
 * Returns after how many milliseconds a read may be repeated. Undefined: a repetition cannot help.
 *
 * An error of a router may be transient. Some routers use `INTERNAL_SERVER_ERROR` while they cannot reach a subgraph.
 */
export function retryAfter(code: string | undefined, retryAfterMs: number | undefined): number | undefined {
  if (retryAfterMs !== undefined) return retryAfterMs;
  const isFinal = ERROR_CODES.some((each) => each === code) && code !== 'INTERNAL_SERVER_ERROR';
  return isFinal ? undefined : 0;
}
