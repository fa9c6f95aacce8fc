import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../src/config';
import { type Emulator, startEmulator } from '../../src/emulator';
import { readTracingOptions } from '../../src/tracing';
import { FaultyServer } from '../support/faultyServer';
import { preload, runMain, untilReady } from '../support/main';
import { ROOT, type Running } from '../support/process';
import { ask, ENTITIES, representations, UNLINK, userIdsOf } from '../support/stack';
import { type Collector, startCollector } from './collector';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Prints on exit which packages of OpenTelemetry were loaded. */
const LIST_LOADED = preload(`import Module from 'node:module';
  process.on('exit', () => {
    const names = Object.keys(Module._cache).map((path) => path.match(/@opentelemetry.([a-z-]+)/)?.[1]);
    process.stderr.write('loaded: ' + [...new Set(names.filter(Boolean))].sort().join(' ') + '.');
  });`);

/** Makes Node fail to find the tracing SDK, as if it were not installed. */
const HIDE_SDK = preload(`import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(\`export async function resolve(name, context, next) {
    if (name !== '@opentelemetry/sdk-trace-base') return next(name, context);
    throw Object.assign(new Error(name), { code: 'ERR_MODULE_NOT_FOUND' });
  }\`));`);

describe('tracing', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

  test.each([
    ['nothing is set', {}],
    ['only names and headers are set', { OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_HEADERS: 'a=b' }],
    ['the address of the collector is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['the exporter is none', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }],
    ['the SDK is disabled', { ...endpoint, OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'TRUE' }],
  ])('is off if %s', (_when, environment) => {
    expect(readTracingOptions(environment)).toBeNull();
  });

  test.each([
    ['the exporter is otlp', { OTEL_TRACES_EXPORTER: 'otlp' }, 'http/protobuf'],
    ['the address of a collector is set', endpoint, 'http/protobuf'],
    [
      'the address of a collector of traces is set',
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/v1/traces' },
      'http/protobuf',
    ],
    ['the protocol is JSON', { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'http/json'],
    [
      'traces have a protocol of their own',
      { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
      'http/json',
    ],
    ['the SDK is not disabled', { ...endpoint, OTEL_SDK_DISABLED: 'false' }, 'http/protobuf'],
  ])('is on if %s', (_when, environment, protocol) => {
    expect(readTracingOptions(environment)).toEqual({ protocol });
  });

  test('is refused with unsupported values: all variables at once, by name and never by value', () => {
    const environment = {
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    };
    expect(() => readTracingOptions(environment)).toThrow(
      new ConfigError([
        'OTEL_TRACES_EXPORTER must be otlp or none',
        'OTEL_EXPORTER_OTLP_ENDPOINT must be an http: or https: URL',
        'OTEL_EXPORTER_OTLP_PROTOCOL must be one of http/protobuf, http/json',
      ]),
    );
  });
});

describe('dist/main.js with OTEL_* variables', () => {
  let emulator: Emulator;
  let collector: Collector;
  let main: Running | undefined;

  beforeEach(async () => {
    [emulator, collector] = await Promise.all([startEmulator(), startCollector()]);
  });
  afterEach(async () => {
    await main?.stop('SIGKILL');
    await Promise.all([emulator.close(), collector.close()]);
  });

  function start(env: Record<string, string>, ...args: string[]): Running {
    main = runMain(emulator, env, args);
    return main;
  }

  async function read(process: Running): Promise<void> {
    const { url } = await untilReady(process);
    const headers = { traceparent: TRACEPARENT };
    const { errors } = await ask(`${url}/graphql`, ENTITIES, representations(userIdsOf(emulator)), headers);
    expect(errors).toEqual([]);
  }

  test('loads no package for tracing if tracing is off', async () => {
    const process = start({}, LIST_LOADED);
    await read(process);
    expect(await process.stop()).toBe(0);
    // prom-client imports the API to find out whether tracing is on.
    expect(process.output()).toContain('loaded: api.');
  });

  test('loads one exporter, exports protobuf by default, and exports the remaining spans before it exits', async () => {
    const process = start(
      { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '600000' },
      LIST_LOADED,
    );
    await read(process);
    expect(collector.exports).toEqual([]);
    expect(await process.stop()).toBe(0);
    expect(process.output()).toMatch(/loaded: .*exporter-trace-otlp-proto .*sdk-trace-base/);
    expect(process.output()).not.toContain('exporter-trace-otlp-http');
    expect(collector.exports).toMatchObject([
      { path: '/v1/traces', headers: { 'content-type': 'application/x-protobuf' } },
    ]);
    expect(collector.exports[0]?.body).toContain('graphql entities');
  });

  test('serves and exits if the collector cannot be reached, and logs that once', async () => {
    await collector.close();
    const process = start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_TIMEOUT: '50',
      OTEL_BSP_SCHEDULE_DELAY: '1',
    });
    await read(process);
    const warning = /"msg":"spans cannot be exported"/g;
    await process.waitFor(new RegExp(warning.source));
    await read(process);
    expect(await process.stop()).toBe(0);
    expect(process.output().match(warning)).toHaveLength(1);
    collector = await startCollector();
  });

  test('does not wait for a collector that sends no response', async () => {
    collector.behaviour = 'hang';
    const process = start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_TIMEOUT: '600000' });
    await read(process);
    expect(await process.stop()).toBe(0);
    expect(collector.exports).toHaveLength(1);
  }, 30_000);

  test("does not send the router's trace headers to GenAuth", async () => {
    const genauth = await FaultyServer.start();
    const process = start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, GENAUTH_HOST: genauth.origin });
    const { url } = await untilReady(process);
    const [userId, extIdpId] = ['60194296801dc7bc2a1b2735', '60193c610f9117e7cb049159'];
    const headers = { traceparent: TRACEPARENT, tracestate: 'router=yes', baggage: 'router=yes' };
    await ask(`${url}/graphql`, ENTITIES, representations([userId]), headers);
    await ask(`${url}/graphql`, UNLINK, { userId, extIdpId }, headers);
    expect(await process.stop()).toBe(0);
    await genauth.close();
    expect(genauth.requests.length).toBeGreaterThan(1);
    expect(genauth.requests.join('')).not.toMatch(/traceparent|tracestate|baggage|0af7651916cd43dd8448eb211c80319c/i);
  });

  test('does not start if packages for tracing are missing, and prints how to install them', async () => {
    const process = start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, HIDE_SDK);
    expect(await process.exited).toBe(1);
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const packages = ['api', 'core', 'resources', 'sdk-trace-base', 'exporter-trace-otlp-proto'].map(
      (name) => `@opentelemetry/${name}@${devDependencies[`@opentelemetry/${name}`] ?? ''}`,
    );
    expect(process.output()).toContain(`npm install --no-save ${packages.join(' ')}\n`);
  });

  test('does not start with an unsupported exporter', async () => {
    const process = start({ OTEL_TRACES_EXPORTER: 'jaeger' });
    expect(await process.exited).toBe(1);
    expect(process.output()).toContain('OTEL_TRACES_EXPORTER must be otlp or none');
  });
});
