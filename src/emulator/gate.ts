import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Envelope, Route } from '../genauth/api';
import { type Answer, gatewayAnswer, jsonAnswer, misshape, write, writeSpoiled } from './answer';
import type { Authenticator } from './authentication';
import { type Call, noteData, openCall } from './calls';
import { langOf, Refusal, refusalEnvelope, successEnvelope } from './envelope';
import type { FaultKind, Faults, Plan } from './faults';
import type { Ledger } from './ledger';
import { OPERATIONS } from './operations';
import type { RateLimit } from './rateLimit';
import { parseBody, parseQuery, readBody, type RequestData } from './request';
import type { UserPool } from './userPool';

/** What a request meets on its way. */
export interface Gate {
  pool: UserPool;
  authenticator: Authenticator;
  rateLimit: RateLimit;
  faults: Faults;
  calls: Ledger<Call>;
  /** Aborted when the emulator closes. */
  closing: AbortSignal;
}

/** A request that was read. */
interface Incoming {
  route: Route;
  path: string;
  query: string;
  body: string | null;
  request: IncomingMessage;
  call: Call;
}

/** What it asks, and why it is refused, if it is. */
interface Arrival extends Incoming {
  data: RequestData;
  refusal: Refusal | null;
}

/** Faults after which the caller has no answer. */
const ANSWERLESS: ReadonlySet<FaultKind> = new Set([
  'reset-after-execute',
  'hang-after-execute',
  'half-close',
  'garbage',
  'execute-late',
]);

const TOKEN_ROUTE: Route = 'POST /api/v3/get-management-token';

/**
 * Takes one request to its answer, or to whatever its fault makes of it. Without a fault it is, in this order: read,
 * parsed, authenticated, counted against the rate limit, validated, executed.
 */
export async function serve(gate: Gate, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const route = routeOf(request.method, path);
  const call = openCall(route, path);
  gate.calls.push(call);
  if (route === null) return write(response, notFound(request.method, path, call));

  const { latencyMs, plan } = gate.faults.draw(route);
  call.fault = plan?.fault ?? null;
  if (plan?.kind === 'reset-before-read') return void request.socket.resetAndDestroy();
  const body = request.method === 'POST' ? await readBody(request) : null;
  if (latencyMs > 0) await sleep(latencyMs, undefined, { signal: gate.closing });

  const arrival = admit(gate, { route, path, query, body, request, call });
  if (plan?.kind === 'hang-before-execute') return;
  if (plan?.kind === 'reset-before-execute') return void request.socket.resetAndDestroy();
  if (plan?.kind === 'execute-late') {
    request.socket.resetAndDestroy();
    await sleep(plan.number, undefined, { signal: gate.closing });
  }
  const answer = decide(gate, arrival, plan);
  if (plan === null) return write(response, answer);
  if (ANSWERLESS.has(plan.kind)) call.outcome = null;
  return writeSpoiled(response, answer, plan, gate.closing);
}

/** Parses and authenticates. A refusal is kept for later, because a fault may come before it. */
function admit({ pool, authenticator }: Gate, incoming: Incoming): Arrival {
  const { request, route, path, query, body, call } = incoming;
  const { method = '', headers } = request;
  let data: RequestData = {};
  try {
    data =
      method === 'GET' ? parseQuery(query, pool.switches.batchEncodings) : parseBody(body, headers['content-type']);
    noteData(call, data);
    if (route !== TOKEN_ROUTE) {
      authenticator.check({ method, path, headers, data }, pool.switches, pool.now());
      call.authenticated = true;
    }
    return { ...incoming, data, refusal: null };
  } catch (error) {
    if (error instanceof Refusal) return { ...incoming, data, refusal: error };
    throw error;
  }
}

/** Decides the answer, and executes on the way if nothing is against it. */
function decide({ pool, rateLimit }: Gate, arrival: Arrival, plan: Plan | null): Answer {
  const { call, route, data, refusal } = arrival;
  const { switches } = pool;
  const instead = plan === null ? null : answerInstead(pool, arrival, plan);
  if (instead !== null) return instead;
  try {
    if (refusal !== null) throw refusal;
    const counted = route !== TOKEN_ROUTE || switches.tokenRateLimit === 'counted';
    if (counted && !rateLimit.take(switches.qps)) {
      return throttled(pool, arrival, retryAfterOf(pool), switches.rateLimitedAs === 'http' ? 429 : 200);
    }
    const result = OPERATIONS[route](pool, plan?.kind === 'user-mismatch' ? aboutAnother(arrival, pool) : data);
    call.executed = true;
    call.authenticated = true;
    return respond(pool, arrival, 200, misshape(successEnvelope(result, langOf(arrival.request.headers)), plan));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const httpStatus = error.statusCode === 401 && switches.unauthorizedAs === 'http' ? 401 : 200;
    return respond(pool, arrival, httpStatus, refusalEnvelope(error, langOf(arrival.request.headers)));
  }
}

/** The answer of a fault that leaves nothing to decide, or null. */
function answerInstead(pool: UserPool, arrival: Arrival, plan: Plan): Answer | null {
  const lang = langOf(arrival.request.headers);
  if (plan.kind === 'http' || plan.kind === 'redirect') {
    const page = gatewayAnswer(plan.kind === 'http' ? plan.number : 307);
    arrival.call.outcome = { httpStatus: page.status, statusCode: null, apiCode: null };
    return plan.kind === 'http' ? page : { ...page, headers: { ...page.headers, location: '/api/v3/redirected' } };
  }
  if (plan.kind === 'http-429') return throttled(pool, arrival, plan.retryAfter, 429);
  if (plan.kind === 'success-false') return respond(pool, arrival, 200, successEnvelope({ success: false }, lang));
  if (plan.kind !== 'envelope') return null;
  return respond(
    pool,
    arrival,
    200,
    refusalEnvelope(new Refusal(plan.number, 'unknown', { apiCode: plan.apiCode }), lang),
  );
}

function throttled(pool: UserPool, arrival: Arrival, retryAfter: string | undefined, httpStatus: number): Answer {
  const envelope = refusalEnvelope(new Refusal(429, 'rateLimited'), langOf(arrival.request.headers));
  return respond(pool, arrival, httpStatus, envelope, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
}

function respond(
  { switches, now }: UserPool,
  { request, call }: Arrival,
  httpStatus: number,
  { data, ...head }: Envelope<unknown>,
  headers: Record<string, string> = {},
): Answer {
  call.outcome = { httpStatus, statusCode: head.statusCode, apiCode: head.apiCode ?? null };
  const requestId = requestIdOf(request);
  const wanted = switches.requestId === 'always' || (switches.requestId === 'failure' && head.statusCode !== 200);
  // The one documented answer that has none.
  const shown = wanted && head.statusCode !== 429;
  const envelope = { ...head, ...(shown ? { requestId } : {}), ...(data === undefined ? {} : { data }) };
  const date = switches.clockOffsetMs === 0 ? {} : { date: new Date(now()).toUTCString() };
  return jsonAnswer(httpStatus, envelope, { ...date, 'x-request-id': requestId, ...headers });
}

function retryAfterOf({ switches, now }: UserPool): string | undefined {
  if (switches.retryAfter === 'absent') return undefined;
  return switches.retryAfter === 'seconds' ? '1' : new Date(now() + 1000).toUTCString();
}

/** The same read, about other users than the ones asked for. */
function aboutAnother({ route, data, call }: Arrival, { store }: UserPool): RequestData {
  if (!route.startsWith('GET ') || call.userIds.length === 0) return data;
  const ids = store.users().map((user) => user.profile.userId);
  const others = call.userIds.map((userId) => ids[(ids.indexOf(userId) + 1) % ids.length] ?? userId);
  const named = 'userIds' in data ? { userIds: others } : { userId: others[0] };
  return { ...data, ...named, userIdType: 'user_id' };
}

/** The caller's own, where it sent one. */
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

function routeOf(method: string | undefined, path: string): Route | null {
  const name = `${method} ${path}`;
  return Object.hasOwn(OPERATIONS, name) ? (name as Route) : null;
}

/** The framework's own words for a path or method it does not know, under HTTP 404. */
function notFound(method: string | undefined, path: string, call: Call): Answer {
  call.outcome = { httpStatus: 404, statusCode: 404, apiCode: null };
  return jsonAnswer(404, { statusCode: 404, message: `Cannot ${method} ${path}`, error: 'Not Found' });
}
