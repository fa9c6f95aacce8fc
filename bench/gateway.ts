import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench';
import { type Contender, ROUTER_SECRET, UNLIMITED } from './contenders';
import { ServerProcess, WorkerProcess } from './processes';
import { ROOT } from './root';
import type { Workload } from './workloads';

/** Latencies of one contender behind a gateway, as a frontend sees them. */
export interface GatewayMeasurement {
  p50Ms: number;
  p99Ms: number;
  requestsPerSecond: number;
}

/** Requests per second. About a third of what the gateway can do on one core. */
const RATE = 60;

/** Started once for all workloads. */
let users: Promise<string> | undefined;

/**
 * Measures contenders behind `@apollo/gateway`, with the file of `deploy/routers`. The gateway is a process of its own. It
 * shares a core with the load generator and the stub.
 *
 * @returns By name of the contender.
 */
export async function measureBehindGateway(
  bench: Bench,
  workload: Workload,
  contenders: readonly Contender[],
  seconds: number,
): Promise<Map<string, GatewayMeasurement>> {
  users ??= WorkerProcess.start<null, string>('otherSubgraph').then((worker) => worker.ask(null));
  const started = await bench.startAll(workload, contenders, UNLIMITED);
  const measurements = new Map<string, GatewayMeasurement>();
  for (const [name, contender] of started) {
    bench.onProgress(`${workload.name}: ${name}`);
    const gateway = await startGateway(join(bench.folder, `${workload.name}.${name}`), contender, await users);
    await bench.limit(null);
    await bench.send(gateway, name, workload, 2, { rate: RATE });
    await bench.limit(null);
    const {
      served,
      seconds: elapsed,
      p50Ms,
      p99Ms,
    } = await bench.send(gateway, name, workload, seconds, { rate: RATE });
    measurements.set(name, { p50Ms, p99Ms, requestsPerSecond: served / elapsed });
    await gateway.stop();
    await contender.stop();
  }
  return measurements;
}

async function startGateway(files: string, contender: ServerProcess, usersUrl: string): Promise<ServerProcess> {
  const supergraph = `${files}.graphql`;
  const composed = readFileSync(join(ROOT, 'deploy', 'supergraph.graphql'), 'utf8')
    .replace('http://identities:4001/graphql', `${contender.url}/graphql`)
    .replace('http://users:4003/graphql', usersUrl);
  writeFileSync(supergraph, composed);
  const env = {
    SUPERGRAPH: supergraph,
    ROUTER_AUTHORIZATION: ROUTER_SECRET,
    PORT: '0',
    APOLLO_TELEMETRY_DISABLED: '1',
  };
  const program = join(ROOT, 'deploy', 'routers', 'apollo-gateway.js');
  return ServerProcess.start([program], env, `${files}.gateway.log`, 'worker');
}
