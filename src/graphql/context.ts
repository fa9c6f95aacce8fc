import type { Caller } from '../callers';
import { TimeLimit } from '../deadline';
import { Identities, type IdentitiesOptions } from '../identities';

/** What resolvers work with: made for one request, gone with it. */
export interface Context {
  identities: Identities;
  /** By which the request is found in logs. */
  requestId: string;
  /** Of the trace that the router began, where there is one. */
  traceId: string | null;
  /** When it came, by `performance.now()`. */
  startedAt: number;
  /** Passed when the request's time is up. Lifted by whoever made the context, once the request is answered. */
  deadline: TimeLimit;
}

/** What is known of a request when it comes to GraphQL. */
export interface Arrival {
  caller: Caller;
  requestId: string;
  traceId: string | null;
  /** Headers of W3C Trace Context, as they came. */
  traceparent: string | null;
  tracestate: string | null;
}

export interface ContextOptions extends IdentitiesOptions {
  /** Milliseconds for the whole request. */
  requestDeadlineMs: number;
}

/** A user as a reference: its key is all that this subgraph holds of it. */
export interface UserReference {
  __typename: 'User';
  id: string;
}

/** Makes the context of one request. The request's time starts to run here. */
export function createContext(options: ContextOptions, { caller, requestId, traceId }: Arrival): Context {
  // A caller who leaves is not a reason to stop: an unlink that was sent has to be seen through.
  const deadline = new TimeLimit(options.requestDeadlineMs);
  const identities = new Identities(options, caller, deadline);
  return { identities, requestId, traceId, startedAt: performance.now(), deadline };
}
