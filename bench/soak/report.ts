import { spreadOf, type Trend, trendOf } from '../statistics';
import { table } from '../table';
import type { BulkTally } from './bulk';
import type { Tally } from './requests';
import { type Metrics, type Sample, totals } from './samples';

/** Everything that was observed in a run. */
export interface Observation {
  rate: number;
  samples: readonly Sample[];
  /** Minutes at the beginning, in which memory is not judged. */
  warmUp: number;
  /** Resources that kept the event loop alive without any client, before and after the load. */
  atRest: { before: number; after: number };
  /** At the end of the run. */
  metrics: Metrics;
  tally: Tally;
  /** Of the command line. */
  bulks: BulkTally;
  /** Unlinks in the audit trail without an outcome. */
  openUnlinks: number;
  /** Lines that the process logged as errors. */
  errors: readonly string[];
  exitCode: number | null;
}

/** In MB/min. */
const MAX_SLOPE = 0.5;
const MIN_JUDGED_MINUTES = 1.5;

/** The trend of resident memory after the warm-up, in MB and minutes. */
export function memoryTrend(seen: Observation): Trend {
  return trendOf(judged(seen).map(({ minute, rssMB }) => [minute, rssMB]));
}

function judged({ samples, warmUp }: Observation): readonly Sample[] {
  return samples.filter(({ minute }) => minute >= warmUp);
}

/** Describes each problem in a sentence. An empty list means that the run was fine. */
export function findProblems(seen: Observation): string[] {
  const { slope } = memoryTrend(seen);
  const { atRest, tally, bulks, openUnlinks, errors, exitCode } = seen;
  const unanswered = sum(tally.unanswered);
  const judgedMinutes = (seen.samples.at(-1)?.minute ?? 0) - seen.warmUp;
  return [
    ...(judgedMinutes < MIN_JUDGED_MINUTES ? ['the run was too short to judge memory'] : []),
    ...(judgedMinutes >= MIN_JUDGED_MINUTES && slope > MAX_SLOPE
      ? [`memory grew by ${slope.toFixed(2)} MB/min; the limit is ${MAX_SLOPE}`]
      : []),
    ...(atRest.after > atRest.before
      ? [`${atRest.after - atRest.before} handles or timers were left behind: ${atRest.before}, then ${atRest.after}`]
      : []),
    ...(unanswered > 0 ? [`${unanswered} requests had no response`] : []),
    ...(tally.late > 0 ? [`${tally.late} requests were sent more than a second late`] : []),
    ...bulks.problems,
    ...(openUnlinks > 0 ? [`${openUnlinks} unlinks have no outcome in the audit trail`] : []),
    ...(errors.length > 0 ? [`errors were logged: ${errors.join('\n  ')}`] : []),
    ...(exitCode === 0 ? [] : [`the process exited with ${exitCode}`]),
  ];
}

/** Reports the numbers in Markdown, which also reads well on a terminal. */
export function toMarkdown(seen: Observation): string {
  const { samples, rate, warmUp, atRest, metrics, tally, bulks, openUnlinks } = seen;
  const last = samples.at(-1);
  const after = judged(seen);
  const minutes = last?.minute ?? 0;
  const delays = spreadOf(after.map(({ loopDelayMs }) => loopDelayMs));
  const heapTrend = trendOf(after.map(({ minute, heapMB }) => [minute, heapMB]));
  const range = (name: 'rssMB' | 'heapMB' | 'externalMB' | 'handles' | 'inFlight' | 'waiting'): string =>
    `${round(after[0]?.[name])} / ${round(last?.[name])} / ${round(Math.max(...after.map((sample) => sample[name])))}`;
  const cpu = (last?.cpuSeconds ?? NaN) - (samples[0]?.cpuSeconds ?? NaN);
  const numbers = [
    ['measure', 'value'],
    ['trend of resident memory', `${memoryTrend(seen).slope.toFixed(3)} MB/min`],
    ['trend of heap in use', `${heapTrend.slope.toFixed(3)} MB/min`],
    ['resident memory: first / last / highest', `${range('rssMB')} MB`],
    ['heap in use: first / last / highest', `${range('heapMB')} MB`],
    ['memory outside the heap: first / last / highest', `${range('externalMB')} MB`],
    ['handles under load: first / last / highest', range('handles')],
    ['handles and timers at rest: before / after', `${atRest.before} / ${atRest.after}`],
    ['event-loop delay, p99 of 10 s: median / highest', `${round(delays.median)} / ${round(delays.max)} ms`],
    ['requests in flight: first / last / highest', range('inFlight')],
    ['queued before GenAuth: first / last / highest', range('waiting')],
    ['CPU', `${round((cpu / (minutes * 60)) * 100)} % of one core`],
    ['unlinks without an outcome in the audit trail', String(openUnlinks)],
    ['requests without a response', String(sum(tally.unanswered))],
    ['users in bulks: all / unlinked / not linked', `${bulks.users} / ${bulks.unlinked} / ${bulks.notLinked}`],
    ['bulks, and runs that were repeated after faults', `${bulks.files} / ${bulks.repeated}`],
  ];
  return [
    `${round(minutes)} minutes at ${rate} requests per second on Node ${process.version}, ${tally.sent} requests in all.
The first ${round(warmUp)} minutes are a warm-up: counts include it, all other numbers leave it out.\n`,
    table(numbers),
    ...counts('requests', tally.outcomes),
    ...counts('requests without a response', tally.unanswered),
    ...counts('errors by code', tally.codes),
    ...counts('unlinks by outcome', totals(metrics, 'unlink_outcomes_total', 'outcome')),
    ...counts('calls to GenAuth by result', totals(metrics, 'genauth_call_duration_seconds_count', 'result')),
  ].join('\n');
}

function counts(title: string, values: ReadonlyMap<string, number>): string[] {
  if (values.size === 0) return [];
  const rows = [...values].sort(([a], [b]) => a.localeCompare(b)).map(([key, value]) => [key, String(value)]);
  return [table([[title, 'count'], ...rows])];
}

function sum(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((total, value) => total + value, 0);
}

function round(value = NaN): string {
  return String(Math.round(value * 10) / 10);
}
