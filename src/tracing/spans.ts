import type * as Api from '@opentelemetry/api';
import type { Context, Link, Span, Tracer } from '@opentelemetry/api';
import type { Deadline } from '../deadline';
import type { CallReport } from '../genauth';
import type { Arrival, RequestReport } from '../graphql';
import type { BatchReport } from '../identities';

/** The headers that name the trace of a request. @see https://www.w3.org/TR/trace-context/ */
export type TraceParent = Pick<Arrival, 'traceparent' | 'tracestate'>;

/** Turns reports into spans. The deadline of a request or a batch identifies it. */
export interface Tracing {
  onArrival(deadline: Deadline, parent: TraceParent): void;
  /** A batch is about to be sent. */
  onBatch(report: BatchReport): void;
  /** An attempt of a call has ended. */
  onCall(report: CallReport): void;
  /** The response of a request is complete. */
  onRequest(report: RequestReport, deadline: Deadline): void;
  /** Exports the remaining spans, for 2 s at most. */
  close(): Promise<void>;
}

/** Codes of errors that the caller caused. They do not make the span an error. */
const CALLER_ERRORS: ReadonlySet<string> = new Set(['FORBIDDEN', 'BAD_USER_INPUT', 'LAST_IDENTITY', 'SIGN_IN_TOO_OLD']);

/**
 * Creates the spans: one for each request, and one for each attempt of a call that was sent.
 *
 * The span of a call is a child of the request that needed it. A batch that several requests share is a child of the first
 * sampled one; links connect it with the other requests in both directions. Every call is therefore exported once and can
 * be found from every trace.
 *
 * @see docs/decisions/0012-tracing.md
 */
export function createSpans(
  { SpanKind, SpanStatusCode, TraceFlags, trace, ROOT_CONTEXT }: typeof Api,
  tracer: Tracer,
  extract: (parent: TraceParent) => Context,
): Omit<Tracing, 'close'> {
  // Weak maps release the span of a request or a batch together with its deadline.
  const requests = new WeakMap<Deadline, Span>();
  const batches = new WeakMap<Deadline, { users: number; spans: Span[] }>();
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
      if (outcome !== 'rejected' && codes.some((code) => !CALLER_ERRORS.has(code))) {
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}
