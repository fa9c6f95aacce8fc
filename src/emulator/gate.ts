import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Route } from '../genauth/api';
import { type Answer, write } from './answer';
import type { Authenticator } from './authentication';
import { type Call, noteData, openCall } from './calls';
import { langOf, Refusal, successEnvelope } from './envelope';
import type { FaultKind, Plan } from './faults';
import type { Draw, Faults } from './faultSchedule';
import type { IdempotencyKeys } from './idempotency';
import type { Ledger } from './ledger';
import { namesUser } from './lookup';
import { OPERATIONS, WRITES } from './operations';
import type { RateLimit } from './rateLimit';
import { parseBody, parseQuery, readBody, type RequestData } from './request';
import { faultAnswer, notFound, overLimit, type Recipient, refuse, respond } from './respond';
import { misshape, writeSpoiled } from './spoiledAnswer';
import type { UserPool } from './userPool';

/** Everything that a request passes through. */
export interface Gate {
  pool: UserPool;
  authenticator: Authenticator;
  rateLimit: RateLimit;
  idempotencyKeys: IdempotencyKeys;
  faults: Faults;
  calls: Ledger<Call>;
  /** Aborted when the emulator closes. */
  closing: AbortSignal;
}

/** A request after parsing and authentication. */
interface Arrival extends Recipient {
  data: RequestData;
  /** The reason to refuse the request. It is kept for later, because a fault can take effect before it. */
  refusal: Refusal | null;
}

/** Faults after which the client gets no response. */
const WITHOUT_RESPONSE: ReadonlySet<FaultKind> = new Set([
  'reset-after-execute',
  'hang-after-execute',
  'half-close',
  'garbage',
  'execute-late',
]);

const TOKEN_ROUTE: Route = 'POST /api/v3/get-management-token';
const NO_FAULT: Draw = { latencyMs: 0, plan: null };

/**
 * Processes one request up to its response, or to what its fault makes of it. Without a fault the order is: read, parse,
 * authenticate, check the rate limit, validate, execute.
 */
export async function serve(gate: Gate, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { faults, closing } = gate;
  const { method = '', headers } = request;
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const route = routeOf(method, path);
  const call = openCall(route, path, headers);
  gate.calls.push(call);
  if (route === null) return write(response, notFound(method, path, call));

  const onArrival = faults.draw(route);
  call.fault = onArrival.plan?.fault ?? null;
  if (onArrival.plan?.kind === 'reset-before-read') return void request.socket.resetAndDestroy();
  const body = method === 'POST' ? await readBody(request) : null;
  await pause(onArrival.latencyMs, closing);

  const arrival = admit(gate, { route, method, path, headers, call }, query, body);
  const names = (userId: string) => namesUser(gate.pool.store, arrival.data, call.userIds, userId);
  const forUser = onArrival.plan === null ? faults.drawFor(route, names) : NO_FAULT;
  await pause(forUser.latencyMs, closing);
  const plan = onArrival.plan ?? forUser.plan;
  call.fault = plan?.fault ?? null;

  if (plan?.kind === 'hang-before-execute') return;
  if (plan?.kind === 'reset-before-execute') return void request.socket.resetAndDestroy();
  if (plan?.kind === 'execute-late') {
    request.socket.resetAndDestroy();
    await pause(plan.number, closing);
  }
  const answer = decide(gate, arrival, plan);
  if (plan === null) return write(response, answer);
  if (WITHOUT_RESPONSE.has(plan.kind)) call.outcome = null;
  return writeSpoiled(response, answer, plan, closing);
}

async function pause(ms: number, closing: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: closing });
}

/** Parses and authenticates a request. */
function admit({ pool, authenticator }: Gate, recipient: Recipient, query: string, body: string | null): Arrival {
  const { route, method, path, headers, call } = recipient;
  let data: RequestData = {};
  try {
    data =
      method === 'GET' ? parseQuery(query, pool.switches.batchEncodings) : parseBody(body, headers['content-type']);
    noteData(call, data);
    if (route !== TOKEN_ROUTE) {
      authenticator.check({ method, path, headers, data }, pool.switches, pool.now());
      call.authenticated = true;
    }
    return { ...recipient, data, refusal: null };
  } catch (error) {
    if (error instanceof Refusal) return { ...recipient, data, refusal: error };
    throw error;
  }
}

/** Decides the response, and executes the operation unless a fault or a refusal prevents it. */
function decide(gate: Gate, arrival: Arrival, plan: Plan | null): Answer {
  const { pool, rateLimit } = gate;
  const { call, route, refusal } = arrival;
  const { switches } = pool;
  const fromFault = plan === null ? null : faultAnswer(pool, arrival, plan);
  if (fromFault !== null) return fromFault;
  try {
    if (refusal !== null) throw refusal;
    const isCounted = route !== TOKEN_ROUTE || switches.tokenRateLimit === 'counted';
    if (isCounted && !rateLimit.take(switches.qps)) return overLimit(pool, arrival);
    const result = execute(gate, arrival, plan);
    call.authenticated = true;
    return respond(pool, arrival, 200, misshape(successEnvelope(result, langOf(arrival.headers)), plan));
  } catch (error) {
    if (error instanceof Refusal) return refuse(pool, arrival, error);
    throw error;
  }
}

/** Executes an operation, or repeats the data of an earlier call with the same idempotency key. */
function execute({ pool, idempotencyKeys }: Gate, arrival: Arrival, plan: Plan | null): unknown {
  const { call, route, data } = arrival;
  const key = WRITES.has(route) ? call.idempotencyKey : null;
  if (key !== null && pool.switches.idempotencyKey === 'honoured') {
    const earlier = idempotencyKeys.find(key, route, data);
    if (earlier?.isSameRequest === false) throw new Refusal(422, 'keyReused');
    if (earlier !== undefined && pool.switches.idempotencyReplay === '409') throw new Refusal(409, 'alreadyExecuted');
    call.replayed = earlier !== undefined;
    if (earlier !== undefined) return earlier.data;
  }
  const request = plan?.kind === 'user-mismatch' ? aboutAnother(arrival, pool) : data;
  const result: unknown = OPERATIONS[route](pool, request, key);
  call.executed = true;
  if (key !== null) idempotencyKeys.record(key, route, data, result);
  return result;
}

/** Returns the same read about other users than the requested ones. */
function aboutAnother({ route, data, call }: Arrival, { store }: UserPool): RequestData {
  if (!route.startsWith('GET ') || call.userIds.length === 0) return data;
  const ids = store.users().map((user) => user.profile.userId);
  const others = call.userIds.map((userId) => ids[(ids.indexOf(userId) + 1) % ids.length] ?? userId);
  const named = 'userIds' in data ? { userIds: others } : { userId: others[0] };
  return { ...data, ...named, userIdType: 'user_id' };
}

function routeOf(method: string, path: string): Route | null {
  const name = `${method} ${path}`;
  return Object.hasOwn(OPERATIONS, name) ? (name as Route) : null;
}
