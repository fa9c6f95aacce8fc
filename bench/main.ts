import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startIssuer } from '../test/support/issuer';
import { chart } from './chart';
import { HELP, type Options, readOptions } from './commandLine';
import { type Contender, PRODUCT, REFERENCE } from './contenders';
import { Bench } from './measure';
import { PINNED, ROOT } from './processes';
import {
  documentsTable,
  limitTable,
  offeredTable,
  type Results,
  shortfalls,
  sweepTable,
  workloadTable,
} from './report';
import { DOCS, writeFormatted } from './saved';
import { CALLS_PER_SECOND } from './workloads';

const SAVED = join(DOCS, 'performance.json');
/** The ratios of this subgraph to H that the present code reached in a quick run. */
const BASELINE = join(ROOT, 'bench', 'baseline.json');

void main();

async function main(): Promise<void> {
  try {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
    const options = readOptions(process.argv.slice(2));
    if (options === 'help') process.stdout.write(HELP);
    else await runAll(options);
    // Workers and idle connections would keep the process alive.
    process.exit();
  } catch (error) {
    progress('');
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

async function runAll(options: Options): Promise<void> {
  if (process.platform !== 'linux') throw new Error('CPU time is read from /proc, which only Linux has');
  if (!PINNED) print('without taskset or a second core, ratios are less reliable\n');
  const baseline = options.check ? (JSON.parse(readFileSync(BASELINE, 'utf8')) as Record<string, number>) : null;
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const start = performance.now();
  try {
    const results = await measureAll(options, folder);
    const path = join(ROOT, 'bench', 'results', 'latest.json');
    await writeJson(path, results);
    print(`${((performance.now() - start) / 1000).toFixed(0)} s; bench/results/latest.json\n`);
    if (options.save) {
      await writeJson(SAVED, results);
      writeFileSync(join(DOCS, 'performance.svg'), chart(results));
      print('docs/performance.json, docs/performance.svg\n');
    }
    const fallen = baseline === null ? [] : shortfalls(results, baseline);
    if (fallen.length > 0) throw new Error(`below half of the baseline:\n${fallen.join('\n')}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measureAll(options: Options, folder: string): Promise<Results> {
  const { contenders, plan } = options;
  const bench = await Bench.start(await startIssuer(), { folder, onProgress: progress });
  const results: Results = {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}, ${availableParallelism()} cores`,
    pinned: PINNED,
    plan,
    contenders: Object.fromEntries(contenders.map(({ name, title }) => [name, title])),
    workloads: {},
    limit: {},
    offered: [],
    documents: [],
    sweep: {},
  };
  for (const workload of options.workloads) {
    const measurements = await bench.measure(workload, contenders, plan);
    const { name, title, connections } = workload;
    results.workloads[name] = { title, connections, measurements: Object.fromEntries(measurements) };
    print(`${workloadTable(workload, contenders, measurements)}\n`);
  }
  if (options.limit) {
    const measurements = await bench.measureLimit(contenders, 2 * plan.seconds + 1);
    results.limit = Object.fromEntries(measurements);
    print(`${limitTable(contenders, measurements, CALLS_PER_SECOND)}\n`);
    results.offered = await bench.measureOffered(productOf(contenders), OFFERED, 2 * plan.seconds + 1);
    print(`${offeredTable(results.offered)}\n`);
  }
  if (options.documents) {
    results.documents = await bench.measureDocuments(productOf(contenders));
    print(`${documentsTable(results.documents)}\n`);
  }
  const compared = contenders.filter(({ name }) => name === PRODUCT || name === REFERENCE);
  for (const workload of options.sweep) {
    const measurements = await bench.measure(workload, compared, {
      ...plan,
      rounds: Math.min(3, plan.rounds),
      seconds: 1,
    });
    const cpuMsPerRequest = Object.fromEntries([...measurements].map(([name, seen]) => [name, seen.cpuMsPerRequest]));
    results.sweep[workload.name] = { title: workload.title, cpuMsPerRequest };
  }
  if (options.sweep.length > 0) print(`${sweepTable(results.sweep)}\n`);
  return results;
}

/** Requests per second, each for a single user. */
const OFFERED = [1_000, 2_500, 5_000, 7_500, 10_000];

function productOf(contenders: readonly Contender[]): Contender {
  const product = contenders.find(({ name }) => name === PRODUCT);
  if (product === undefined) throw new TypeError(`--only leaves out ${PRODUCT}, which this workload measures`);
  return product;
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFormatted(path, JSON.stringify(value, roundNumber));
}

function roundNumber(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}

function print(text: string): void {
  progress('');
  process.stdout.write(text);
}

/** Shows progress on one line of a terminal, replaced by the next call. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}
