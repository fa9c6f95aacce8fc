import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen, stopListening } from '../support/listen';

type Value = { stringValue: string } | { intValue: number } | { arrayValue: { values: Value[] } };
type Attributes = { key: string; value: Value }[];

interface WireSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attributes;
  links: { traceId: string; spanId: string }[];
  status: { code: number };
}

/** A span that the collector received, with its attributes as an object. */
export interface CollectedSpan extends Omit<WireSpan, 'attributes'> {
  attributes: Record<string, unknown>;
}

/** An OTLP/HTTP collector on 127.0.0.1 that stores every export. */
export interface Collector {
  /** The value of `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url: string;
  exports: { path: string; headers: IncomingHttpHeaders; body: string }[];
  /** Default: `respond`. `hang` sends no response. */
  behaviour: 'respond' | 'hang';
  /** The spans of all exports, which must be JSON. */
  spans(): CollectedSpan[];
  /** The attributes of the process that exported the spans. */
  resource(): Record<string, unknown>;
  /** Waits until a condition is true. The condition is checked after each export. */
  until(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

interface Export {
  resourceSpans: { resource: { attributes: Attributes }; scopeSpans: { spans: WireSpan[] }[] }[];
}

export async function startCollector(): Promise<Collector> {
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    collector.exports.push({ path: request.url ?? '', headers: request.headers, body });
    server.emit('export');
    if (collector.behaviour === 'respond') response.setHeader('content-type', 'application/json').end('{}');
  };
  const server = createServer((...exchange) => void receive(...exchange));
  const port = await listen(server);
  const parsed = (): Export['resourceSpans'] =>
    collector.exports.flatMap(({ body }) => (JSON.parse(body) as Export).resourceSpans);
  const collector: Collector = {
    url: `http://127.0.0.1:${port}`,
    exports: [],
    behaviour: 'respond',
    spans: () =>
      parsed()
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans }) => spans)
        .map((span) => ({ ...span, attributes: toObject(span.attributes) })),
    resource: () => toObject(parsed()[0]?.resource.attributes ?? []),
    async until(condition) {
      while (!condition()) await once(server, 'export');
    },
    close: () => stopListening(server),
  };
  return collector;
}

function toObject(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: Value): unknown {
  if ('arrayValue' in value) return (value.arrayValue.values ?? []).map(plain);
  return 'stringValue' in value ? value.stringValue : value.intValue;
}
