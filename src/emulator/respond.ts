import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Envelope, Route } from '../genauth/api';
import { type Answer, gatewayAnswer, jsonAnswer } from './answer';
import type { Call } from './calls';
import { langOf, Refusal, refusalEnvelope, successEnvelope } from './envelope';
import type { Plan } from './faults';
import type { UserPool } from './userPool';

/** The parts of a request that its response depends on. */
export interface Recipient {
  route: Route;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  call: Call;
}

/** Builds the response of a fault that takes the place of the operation. null: the fault is of another kind. */
export function faultAnswer(pool: UserPool, recipient: Recipient, plan: Plan): Answer | null {
  const lang = langOf(recipient.headers);
  switch (plan.kind) {
    case 'http':
    case 'redirect': {
      const page = gatewayAnswer(plan.kind === 'http' ? plan.number : 307);
      recipient.call.outcome = { httpStatus: page.status, statusCode: null, apiCode: null };
      return plan.kind === 'http' ? page : { ...page, headers: { ...page.headers, location: '/api/v3/redirected' } };
    }
    case 'route-missing':
      return notFound(recipient.method, recipient.path, recipient.call);
    case 'http-429':
      return rateLimited(pool, recipient, 429, plan.retryAfter);
    case 'success-false':
      return respond(pool, recipient, 200, successEnvelope({ success: false }, lang));
    case 'envelope': {
      const refusal = new Refusal(plan.number, 'unknown', { apiCode: plan.apiCode });
      return respond(pool, recipient, 200, refusalEnvelope(refusal, lang));
    }
    default:
      return null;
  }
}

/** Builds the response to a call that exceeds the rate limit, as the switches have it. */
export function overLimit(pool: UserPool, recipient: Recipient): Answer {
  const { rateLimitedAs, retryAfter } = pool.switches;
  const header =
    retryAfter === 'absent' ? undefined : retryAfter === 'seconds' ? '1' : new Date(pool.now() + 1000).toUTCString();
  return rateLimited(pool, recipient, rateLimitedAs === 'http' ? 429 : 200, header);
}

function rateLimited(pool: UserPool, recipient: Recipient, httpStatus: number, retryAfter: string | undefined): Answer {
  const envelope = refusalEnvelope(new Refusal(429, 'rateLimited'), langOf(recipient.headers));
  return respond(pool, recipient, httpStatus, envelope, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
}

/** Builds the response to a refused request. */
export function refuse(pool: UserPool, recipient: Recipient, refusal: Refusal): Answer {
  const httpStatus = refusal.statusCode === 401 && pool.switches.unauthorizedAs === 'http' ? 401 : 200;
  return respond(pool, recipient, httpStatus, refusalEnvelope(refusal, langOf(recipient.headers)));
}

/** Builds a response from an envelope, and records its codes. */
export function respond(
  { switches, now }: UserPool,
  { headers, call }: Recipient,
  httpStatus: number,
  { data, ...head }: Envelope<unknown>,
  more: Record<string, string> = {},
): Answer {
  call.outcome = { httpStatus, statusCode: head.statusCode, apiCode: head.apiCode ?? null };
  const requestId = requestIdOf(headers);
  const wanted = switches.requestId === 'always' || (switches.requestId === 'failure' && head.statusCode !== 200);
  // The documented body of a 429 is the only one without a request id.
  const shown = wanted && head.statusCode !== 429;
  const envelope = { ...head, ...(shown ? { requestId } : {}), ...(data === undefined ? {} : { data }) };
  const date = switches.clockOffsetMs === 0 ? {} : { date: new Date(now()).toUTCString() };
  return jsonAnswer(httpStatus, envelope, { ...date, 'x-request-id': requestId, ...more });
}

/** Returns the request id that the client sent, or a new one. */
function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

/** Builds the response of GenAuth's web framework to a path or method that it does not know. */
export function notFound(method: string, path: string, call: Call): Answer {
  call.outcome = { httpStatus: 404, statusCode: 404, apiCode: null };
  return jsonAnswer(404, { statusCode: 404, message: `Cannot ${method} ${path}`, error: 'Not Found' });
}
