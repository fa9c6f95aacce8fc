import { setTimeout as pause } from 'node:timers/promises';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { ConfigError } from '../config';
import { createSpans, type Tracing } from './spans';

/** The settings that OpenTelemetry does not read from the environment itself. */
export interface TracingOptions {
  protocol: keyof typeof EXPORTERS;
}

/** The optional packages that tracing needs in addition to the exporter, with the versions that were tested. */
const PACKAGES = {
  '@opentelemetry/api': '1.9.1',
  '@opentelemetry/core': '2.12.1',
  '@opentelemetry/resources': '2.12.1',
  '@opentelemetry/sdk-trace-base': '2.12.1',
};
const EXPORTERS = {
  'http/protobuf': '@opentelemetry/exporter-trace-otlp-proto@0.223.1',
  'http/json': '@opentelemetry/exporter-trace-otlp-http@0.223.1',
};

const SERVICE = 'genauth-identity-subgraph';
const FLUSH_MS = 2_000;

/**
 * Reads OpenTelemetry's own variables. OpenTelemetry itself reads those for the collector, headers, sampler, batches and
 * resource.
 *
 * @returns Null if tracing is off: `OTEL_TRACES_EXPORTER` is `none`, or neither it nor the address of a collector is set, or
 *   `OTEL_SDK_DISABLED` is `true`.
 * @throws {ConfigError} The variables name an exporter, protocol or address that is not supported.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function readTracingOptions(environment: Readonly<Record<string, string | undefined>>): TracingOptions | null {
  const read = (...names: string[]): string | undefined => names.map((name) => environment[name]?.trim()).find(Boolean);
  if (read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null;
  const exporter = read('OTEL_TRACES_EXPORTER');
  const collector = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (exporter === 'none' || (exporter === undefined && collector === undefined)) return null;
  const protocol = read('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf';
  const problems: string[] = [];
  if (exporter !== undefined && exporter !== 'otlp') problems.push('OTEL_TRACES_EXPORTER must be otlp or none');
  if (collector !== undefined && !/^https?:$/.test(protocolOf(collector))) {
    problems.push('OTEL_EXPORTER_OTLP_ENDPOINT must be an http: or https: URL');
  }
  if (!isProtocol(protocol)) {
    problems.push(`OTEL_EXPORTER_OTLP_PROTOCOL must be one of ${Object.keys(EXPORTERS).join(', ')}`);
  } else if (problems.length === 0) return { protocol };
  throw new ConfigError(problems);
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}

function isProtocol(text: string): text is TracingOptions['protocol'] {
  return Object.hasOwn(EXPORTERS, text);
}

/**
 * Loads OpenTelemetry and starts tracing. It registers nothing globally: no instrumentation and no context manager.
 *
 * @param onFailure Called for the first failed export after a successful one, not for every failure.
 * @throws {ConfigError} OpenTelemetry is not installed.
 */
export async function startTracing(
  { protocol }: TracingOptions,
  { version, onFailure }: { version: string; onFailure: (error: unknown) => void },
): Promise<Tracing> {
  const { api, core, resources, sdk, OTLPTraceExporter } = await load(protocol);
  const resource = resources
    .defaultResource()
    .merge(resources.resourceFromAttributes({ 'service.name': SERVICE, 'service.version': version }))
    .merge(resources.detectResources({ detectors: [resources.envDetector] }));
  const exporter = reportFailures(new OTLPTraceExporter(), onFailure);
  const provider = new sdk.BasicTracerProvider({ resource, spanProcessors: [new sdk.BatchSpanProcessor(exporter)] });
  const propagator = new core.W3CTraceContextPropagator();
  return {
    ...createSpans(api, provider.getTracer(SERVICE, version), ({ traceparent, tracestate }) =>
      propagator.extract(
        api.ROOT_CONTEXT,
        { traceparent, tracestate: tracestate ?? undefined },
        api.defaultTextMapGetter,
      ),
    ),
    async close() {
      const flushed = new AbortController();
      const { signal } = flushed;
      // Spans that an unreachable collector does not accept in time are lost.
      await Promise.race([provider.shutdown(), pause(FLUSH_MS, undefined, { signal })]).catch(onFailure);
      flushed.abort();
    },
  };
}

async function load(protocol: TracingOptions['protocol']) {
  try {
    const [api, core, resources, sdk, { OTLPTraceExporter }] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/core'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-base'),
      protocol === 'http/json'
        ? import('@opentelemetry/exporter-trace-otlp-http')
        : import('@opentelemetry/exporter-trace-otlp-proto'),
    ]);
    return { api, core, resources, sdk, OTLPTraceExporter };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    const packages = [...Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`), EXPORTERS[protocol]];
    throw new ConfigError([
      `OTEL_TRACES_EXPORTER or OTEL_EXPORTER_OTLP_ENDPOINT asks for tracing, but its packages are not installed. Unset the variable, or run\n` +
        `    npm install --no-save ${packages.join(' ')}`,
    ]);
  }
}

/** Wraps an exporter so that its failures are reported. OpenTelemetry only writes them to its own log, which is off. */
function reportFailures(exporter: SpanExporter, onFailure: (error: unknown) => void): SpanExporter {
  let failing = false;
  return {
    export: (spans, onResult) =>
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined;
        if (failed && !failing) onFailure(result.error);
        failing = failed;
        onResult(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}
