import type { Caller } from '../callers';
import { TimeLimit } from '../deadline';
import type { Identity, UserRecord } from '../genauth';
import { Identities, type IdentitiesOptions } from '../identities';
import { ResponseRoom } from './responseSize';

/** The context of resolvers. Each request has its own. */
export interface Context {
  identities: Identities;
  /** Identifies the request in logs. */
  requestId: string;
  /** The id of the router's trace, or null if the router sent none. */
  traceId: string | null;
  /** When the request arrived, by `performance.now()`. */
  startedAt: number;
  /** The deadline of the request. The creator of the context calls `end()` when the response is complete. */
  deadline: TimeLimit;
  /** Whether the timings of fields are measured for the router. Decided before the operation is executed. */
  isTraced: boolean;
  /** How much graphql-js may still add to the response. */
  room: ResponseRoom;
}

/** A request that has been authenticated. */
export interface Arrival {
  caller: Caller;
  requestId: string;
  /** Why the caller requests a write; null if the request does not say. */
  auditReason: string | null;
  traceId: string | null;
  /** Unparsed headers of W3C Trace Context. @see https://www.w3.org/TR/trace-context/ */
  traceparent: string | null;
  tracestate: string | null;
}

export interface ContextOptions extends IdentitiesOptions {
  /** The time limit of the whole request, in milliseconds. */
  requestDeadlineMs: number;
}

/** A reference to a user. Another subgraph owns the user's other fields. */
export interface UserReference {
  __typename: 'User';
  id: string;
}

/** An identity, with the user that it belongs to or belonged to. */
export interface IdentityValue extends Identity {
  user: UserRecord | null;
}

/** Creates the context of one request, and starts its deadline. */
export function createContext(options: ContextOptions, { caller, requestId, auditReason, traceId }: Arrival): Context {
  // The deadline does not end when the client disconnects: an unlink that was sent has to be settled.
  const deadline = new TimeLimit(options.requestDeadlineMs);
  const identities = new Identities(options, { caller, requestId, auditReason, deadline });
  return {
    identities,
    requestId,
    traceId,
    startedAt: performance.now(),
    deadline,
    isTraced: false,
    room: new ResponseRoom(),
  };
}
