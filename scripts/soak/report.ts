import { format } from 'prettier';
import type { Tally } from './load';
import { fit, type Metrics, type Sample, totals } from './samples';

/** What was seen, from the first moment to the last. */
export interface Observation {
  rate: number;
  samples: readonly Sample[];
  /** Minutes at the beginning that memory is not judged by. */
  warmUp: number;
  /** What kept the event loop going with nobody connected: before the load, and after it. */
  atRest: { before: number; after: number };
  /** At the end. */
  metrics: Metrics;
  tally: Tally;
  /** Unlinks that the audit trail has as begun and not as ended. */
  openUnlinks: number;
  /** What the process logged as errors. */
  errors: readonly string[];
  exitCode: number | null;
}

/** In MB/min. */
const MAX_SLOPE = 1;
const MIN_JUDGED_MINUTES = 1.5;

/** The line through memory after the warm-up, in MB and minutes. */
export function memoryTrend({ samples, warmUp }: Observation): ReturnType<typeof fit> {
  return fit(judged({ samples, warmUp }).map(({ minute, rssMB }) => [minute, rssMB]));
}

function judged({ samples, warmUp }: Pick<Observation, 'samples' | 'warmUp'>): readonly Sample[] {
  return samples.filter(({ minute }) => minute >= warmUp);
}

/** @returns What is wrong, in words; nothing when all is well. */
export function findProblems(seen: Observation): string[] {
  const { slope } = memoryTrend(seen);
  const { atRest, tally, openUnlinks, errors, exitCode } = seen;
  const unanswered = sum(tally.unanswered);
  const judgedMinutes = (seen.samples.at(-1)?.minute ?? 0) - seen.warmUp;
  return [
    ...(judgedMinutes < MIN_JUDGED_MINUTES ? ['it was too short to tell whether memory grows'] : []),
    ...(judgedMinutes >= MIN_JUDGED_MINUTES && slope > MAX_SLOPE
      ? [`memory grew by ${slope.toFixed(2)} MB/min: at most ${MAX_SLOPE} is well`]
      : []),
    ...(atRest.after > atRest.before
      ? [`${atRest.after - atRest.before} handles or timers were left behind: ${atRest.before}, then ${atRest.after}`]
      : []),
    ...(unanswered > 0 ? [`${unanswered} requests had no answer`] : []),
    ...(openUnlinks > 0 ? [`${openUnlinks} unlinks have no outcome in the audit trail`] : []),
    ...(errors.length > 0 ? [`errors that nobody foresaw: ${errors.join('\n  ')}`] : []),
    ...(exitCode === 0 ? [] : [`the process ended with ${exitCode}`]),
  ];
}

/** The numbers, as Markdown that can also be read as it is. */
export async function toMarkdown(seen: Observation): Promise<string> {
  const { samples, rate, warmUp, atRest, metrics, tally, openUnlinks } = seen;
  const last = samples.at(-1);
  const after = judged(seen);
  const minutes = last?.minute ?? 0;
  const delays = after.map(({ loopDelayMs }) => loopDelayMs).sort((a, b) => a - b);
  const range = (name: 'rssMB' | 'heapMB' | 'externalMB' | 'handles' | 'inFlight' | 'waiting'): string =>
    `${round(after[0]?.[name])} / ${round(last?.[name])} / ${round(Math.max(...after.map((sample) => sample[name])))}`;
  const cpu = (last?.cpuSeconds ?? NaN) - (samples[0]?.cpuSeconds ?? NaN);
  return format(
    `${round(minutes)} minutes at ${rate} requests per second on Node ${process.version}, ${tally.sent} requests in all; the
first ${round(warmUp)} minutes are a warm-up, which the numbers below leave out unless they are counts.

| what | value |
| --- | --- |
| slope of the resident memory, by least squares | ${memoryTrend(seen).slope.toFixed(3)} MB/min |
| slope of the heap in use | ${fit(after.map(({ minute, heapMB }) => [minute, heapMB])).slope.toFixed(3)} MB/min |
| resident memory: first / last / highest | ${range('rssMB')} MB |
| heap in use: first / last / highest | ${range('heapMB')} MB |
| buffers outside the heap: first / last / highest | ${range('externalMB')} MB |
| handles under load: first / last / highest | ${range('handles')} |
| handles and timers at rest: before / after | ${atRest.before} / ${atRest.after} |
| event-loop delay, p99 of 10 s: median / highest | ${round(delays[delays.length >> 1])} / ${round(delays.at(-1))} ms |
| requests in flight: first / last / highest | ${range('inFlight')} |
| waiting for GenAuth: first / last / highest | ${range('waiting')} |
| processor | ${round((cpu / (minutes * 60)) * 100)} % of one core |
| unlinks without an outcome in the audit trail | ${openUnlinks} |
| requests without an answer | ${sum(tally.unanswered)} |

${table('requests', tally.outcomes)}

${table('requests without an answer', tally.unanswered)}

${table('errors by code', tally.codes)}

${table('unlinks by outcome', totals(metrics, 'unlink_outcomes_total', 'outcome'))}

${table('calls to GenAuth by result', totals(metrics, 'genauth_call_duration_seconds_count', 'result'))}
`,
    { parser: 'markdown', printWidth: 120, proseWrap: 'always' },
  );
}

function table(title: string, counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return '';
  const rows = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([key, value]) => `| ${key} | ${value} |`);
  return [`| ${title} | count |`, '| --- | ---: |', ...rows].join('\n');
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, value) => total + value, 0);
}

function round(value = NaN): string {
  return String(Math.round(value * 10) / 10);
}
