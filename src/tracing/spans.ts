import type * as Api from '@opentelemetry/api';
import type { Context, Link, Span, Tracer } from '@opentelemetry/api';

/** Headers that name the trace a request belongs to, as they came. @see W3C Trace Context */
export interface TraceParent {
  traceparent: string | null;
  tracestate: string | null;
}

/** How a GraphQL request went. Of a closed set each, so that nothing a stranger sends leaves the process. */
export interface RequestReport {
  operation: 'entities' | 'unlink' | 'service' | 'other';
  outcome: 'ok' | 'partial' | 'error' | 'refused';
  codes: readonly string[];
}

/** How a call to GenAuth ended. */
export interface CallReport {
  /** As in `POST /api/v3/unlink-identity`. */
  route: string;
  attempt: number;
  /** `ok`, or the reason of the error. */
  result: string;
  /** Of HTTP; null where no answer came. */
  status: number | null;
  /** When it was allowed to go out, by `performance.now()`. Null: never. */
  startedAt: number | null;
  /** Milliseconds from then on. */
  ms: number;
  /** What could end it: the deadline of the request that made it, or of a batch. */
  deadline: object;
}

/** A call on behalf of many requests, at the moment when it is known which. */
export interface Batch {
  users: number;
  deadline: object;
  /** The deadlines of the requests that wait for it. */
  readers: () => Iterable<object>;
}

/** What is told of requests and calls, and becomes spans. Requests are told apart by their deadline. */
export interface Tracing {
  onArrival(deadline: object, parent: TraceParent): void;
  onBatch(batch: Batch): void;
  onCall(report: CallReport): void;
  /** The request has been answered. */
  onRequest(report: RequestReport, deadline: object): void;
  /** Exports what is left, for as long as 2 s. */
  close(): Promise<void>;
}

/** Codes that say nothing against this service, nor against GenAuth. */
const CALLERS_FAULT: ReadonlySet<string> = new Set(['FORBIDDEN', 'BAD_USER_INPUT', 'LAST_IDENTITY']);

/**
 * Makes spans: one for each request, one for each attempt of a call that went out.
 *
 * A call is a child of the request that it was made for. One that was made for many is a child of the first of them that is
 * sampled; it has links to the others, and they have links to it. So no call is exported twice, and none is missing from a
 * trace.
 */
export function createSpans(
  { SpanKind, SpanStatusCode, TraceFlags, trace, ROOT_CONTEXT }: typeof Api,
  tracer: Tracer,
  extract: (parent: TraceParent) => Context,
): Omit<Tracing, 'close'> {
  // By deadlines, so that whatever is forgotten by everybody else is forgotten here.
  const requests = new WeakMap<object, Span>();
  const batches = new WeakMap<object, { users: number; spans: Span[] }>();
  const isSampled = (span: Span | undefined): span is Span =>
    span !== undefined && (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
  const linkTo = (span: Span): Link => ({ context: span.spanContext() });

  return {
    onArrival(deadline, parent) {
      requests.set(deadline, tracer.startSpan('graphql', { kind: SpanKind.SERVER }, extract(parent)));
    },

    onBatch({ users, deadline, readers }) {
      const spans = Array.from(readers(), (reader) => requests.get(reader)).filter(isSampled);
      batches.set(deadline, { users, spans });
    },

    onCall({ route, attempt, result, status, startedAt, ms, deadline }) {
      if (startedAt === null) return;
      const batch = batches.get(deadline);
      const [parent, ...others] = batch?.spans ?? [requests.get(deadline)].filter(isSampled);
      if (parent === undefined) return;
      const [method = '', path = ''] = route.split(' ');
      const attributes = {
        'http.request.method': method,
        'url.template': path,
        ...(status === null ? {} : { 'http.response.status_code': status }),
        ...(result === 'ok' ? {} : { 'error.type': result }),
        'genauth.attempt': attempt,
        'genauth.result': result,
        ...(batch === undefined ? {} : { 'genauth.batch.users': batch.users }),
      };
      const span = tracer.startSpan(
        route,
        { kind: SpanKind.CLIENT, startTime: startedAt, attributes, links: others.map(linkTo) },
        trace.setSpan(ROOT_CONTEXT, parent),
      );
      if (result !== 'ok') span.setStatus({ code: SpanStatusCode.ERROR });
      for (const other of others) if (other.isRecording()) other.addLink(linkTo(span));
      span.end(startedAt + ms);
    },

    onRequest({ operation, outcome, codes }, deadline) {
      const span = requests.get(deadline);
      if (span === undefined) return;
      span.updateName(`graphql ${operation}`);
      span.setAttributes({ 'graphql.operation': operation, 'graphql.outcome': outcome, 'graphql.codes': [...codes] });
      if (outcome !== 'refused' && codes.some((code) => !CALLERS_FAULT.has(code))) {
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}
