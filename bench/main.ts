import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startIssuer } from '../test/support/issuer';
import { Bench } from './bench';
import { chart } from './chart';
import { HELP, type Options, readOptions } from './commandLine';
import {
  type Contender,
  FASTEST_PEER,
  GUARDED_PEER,
  participants,
  PRODUCT,
  REFERENCE,
  referenceOf,
} from './contenders';
import { measureBehindGateway } from './gateway';
import { measureLimit, measureOffered } from './limits';
import { measure } from './measure';
import { measureDocuments, measureStart } from './memory';
import { fillTables } from './page';
import { PINNED } from './processes';
import {
  aliasesLine,
  documentsTable,
  gatewayTable,
  limitTable,
  offeredTable,
  ratios,
  type Results,
  shortfalls,
  startLine,
  sweepTable,
  workloadTable,
} from './report';
import { ROOT } from './root';
import { DOCS, writeFormatted } from './saved';
import { BEHIND_GATEWAY, BULK, CALLS_PER_SECOND, LIMITED } from './workloads';

/** The published figures are from Node 20. Those of another version are beside them. */
const SAVED = join(DOCS, 'performance.json');
const SAVED_BESIDE = join(DOCS, 'performance.node.json');
const PAGE = join(DOCS, 'performance.md');
/** The ratios of this subgraph to H, or to H with the same checks, that the last saved run reached. */
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
    if (options.save) await save(results);
    const fallen = baseline === null ? [] : shortfalls(results, baseline);
    if (fallen.length > 0) throw new Error(`below half of the baseline:\n${fallen.join('\n')}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function save(results: Results): Promise<void> {
  const isPublished = results.node.startsWith('20.');
  await writeJson(isPublished ? SAVED : SAVED_BESIDE, results);
  if (isPublished) {
    writeFileSync(join(DOCS, 'performance.svg'), chart(results));
    await writeJson(BASELINE, ratios(results));
  }
  const read = (path: string): Results => JSON.parse(readFileSync(path, 'utf8')) as Results;
  const beside = existsSync(SAVED_BESIDE) ? read(SAVED_BESIDE) : null;
  await writeFormatted(PAGE, fillTables(readFileSync(PAGE, 'utf8'), read(SAVED), beside));
  print('saved in docs/\n');
}

async function measureAll({ contenders, workloads, others, sweep, plan }: Options, folder: string): Promise<Results> {
  const bench = await Bench.start(await startIssuer(), { folder, onProgress: progress });
  const results: Results = {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}, ${availableParallelism()} cores`,
    pinned: PINNED,
    plan,
    contenders: Object.fromEntries(contenders.map(({ name, title }) => [name, title])),
    workloads: {},
    limit: {},
    bulk: {},
    offered: [],
    gateway: {},
    documents: [],
    start: null,
    sweep: {},
  };
  for (const workload of workloads) {
    const measurements = await measure(bench, workload, contenders, plan);
    const { name, title, connections } = workload;
    const reference = referenceOf(workload);
    results.workloads[name] = { title, connections, reference, measurements: Object.fromEntries(measurements) };
    print(`${workloadTable(workload, contenders, measurements)}\n`);
  }
  const aliases = aliasesLine(results.workloads);
  if (aliases !== '') print(`${aliases}\n`);
  await measureOthers(bench, { contenders, others, plan }, results);
  const compared = contenders.filter(({ name }) => name === PRODUCT || name === REFERENCE);
  for (const workload of sweep) {
    const measurements = await measure(bench, workload, compared, {
      ...plan,
      rounds: Math.min(3, plan.rounds),
      seconds: plan.seconds / 2,
    });
    const cpuMsPerRequest = Object.fromEntries([...measurements].map(([name, seen]) => [name, seen.cpuMsPerRequest]));
    results.sweep[workload.name] = { title: workload.title, cpuMsPerRequest };
  }
  if (sweep.length > 0) print(`${sweepTable(results.sweep)}\n`);
  return results;
}

async function measureOthers(
  bench: Bench,
  { contenders, others, plan }: Pick<Options, 'contenders' | 'others' | 'plan'>,
  results: Results,
): Promise<void> {
  const seconds = 2 * plan.seconds + 1;
  const callsPerSecond = CALLS_PER_SECOND;
  if (others.has('limit')) {
    const measurements = await measureLimit(bench, LIMITED, contenders, seconds);
    results.limit = Object.fromEntries(measurements);
    const load = `single users, ${LIMITED.connections} connections`;
    print(`${limitTable(contenders, measurements, { load, served: 'users', callsPerSecond })}\n`);
    results.offered = await measureOffered(bench, productOf(contenders), OFFERED, seconds);
    print(`${offeredTable(results.offered)}\n`);
  }
  if (others.has('bulk')) {
    const measurements = await measureLimit(bench, BULK, contenders, seconds);
    results.bulk = Object.fromEntries(measurements);
    const load = `a bulk of verified unlinks, ${BULK.connections} connections`;
    print(`${limitTable(contenders, measurements, { load, served: 'unlinks', callsPerSecond })}\n`);
  }
  if (others.has('gateway')) {
    const behind = contenders.filter(({ name }) => [PRODUCT, FASTEST_PEER, GUARDED_PEER].includes(name));
    for (const workload of BEHIND_GATEWAY) {
      const measurements = await measureBehindGateway(bench, workload, participants(behind, workload), 4 * seconds);
      results.gateway[workload.name] = { title: workload.title, measurements: Object.fromEntries(measurements) };
    }
    print(`${gatewayTable(results.gateway, results.contenders)}\n`);
  }
  if (others.has('documents')) {
    results.documents = await measureDocuments(bench, productOf(contenders));
    print(`${documentsTable(results.documents)}\n`);
  }
  if (others.has('start')) {
    results.start = await measureStart(bench, productOf(contenders));
    print(`${startLine(results.start)}\n`);
  }
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
