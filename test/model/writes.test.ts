import { inspect } from 'node:util';
import fc from 'fast-check';
import { playWrites } from './playWrites';
import { violationsOf, type WritesHistory } from './writesHistory';
import { type Scenario, scenario } from './writesScenario';

/** Default: 60. Number of scenarios. */
const RUNS = Number(process.env['WRITES_RUNS'] ?? 60);
/** Default: none. Minutes to play scenarios, instead of a number of scenarios. Progress is printed once a minute. */
const MINUTES = Number(process.env['WRITES_MINUTES'] ?? 0);
/** Default: a new seed. The first seed, or `seed/path` as a failure prints it, to play that one scenario again. */
const [SEED = `${Date.now() % 1e9}`, PATH] = process.env['WRITES_SEED']?.split('/') ?? [];

/** Concurrent scenarios. They mostly wait, for timeouts and for the reads that verify a write. */
const LANES = 20;
const RUNS_PER_SEED = 4;
/** From this many scenarios on, every verdict has to occur. With 60 scenarios, the rarest one occurs about 20 times. */
const ENOUGH_FOR_VERDICTS = 60;
/** From this many scenarios on, every kind of write has to have every verdict. With 60, `unlink UNKNOWN` occurs only once. */
const ENOUGH_FOR_KINDS = 1_000;
const MAX_SHRINKING_MS = 180_000;

jest.setTimeout(MINUTES * 60_000 + 600_000);

/** Counts the results of each kind of write, because a model test whose writes all fail early proves nothing. */
class Tally {
  scenarios = 0;
  executed = 0;
  readonly verdicts = new Map<string, number>();
  readonly outcomes = new Map<string, number>();

  add({ writes, executed, audit }: WritesHistory): void {
    this.scenarios++;
    this.executed += executed.length;
    for (const { kind, verdict } of writes) count(this.verdicts, `${kind} ${verdict}`);
    for (const { event, outcome } of audit) if (outcome !== undefined) count(this.outcomes, `${event} ${outcome}`);
  }
}

const VERDICTS = ['success', 'refused', 'NOT_EXECUTED', 'UNKNOWN'];
const KINDS = ['unlink', 'link', 'sessions'];

describe('unlinks, links and revocations of sessions under random faults and concurrency', () => {
  // An unhandled rejection fails the test too, because jest reports every rejection during a test as its failure.
  test('are executed at most once, and their responses, records and log lines agree with what GenAuth executed', async () => {
    const tally = new Tally();
    const until = Date.now() + MINUTES * 60_000;
    const progress = setInterval(() => MINUTES > 0 && print(tally), 60_000);
    let seed = Number(SEED);
    let planned = 0;
    let failing: number | undefined;

    async function verify(own: number, runs: number): Promise<void> {
      const property = fc.asyncProperty(scenario, async (drawn: Scenario) => {
        // After a failure, only the failing lane continues, to find a smaller scenario that fails.
        if (failing !== undefined && failing !== own) return;
        try {
          const history = await playWrites(drawn);
          const violations = violationsOf(history);
          if (violations.length > 0) {
            const { moments: _moments, ...rest } = history;
            throw new Error(`${violations.join('\n')}\n${inspect(rest, { depth: 6 })}`);
          }
          tally.add(history);
        } catch (error) {
          failing ??= own;
          throw error;
        }
      });
      const details = await fc.check(property, {
        seed: own,
        numRuns: runs,
        interruptAfterTimeLimit: MAX_SHRINKING_MS,
        ...(PATH === undefined ? {} : { path: PATH, endOnFailure: true }),
      });
      if (!details.failed) return;
      throw new Error(
        `${fc.defaultReportMessage(details)}\nPlay it again: WRITES_SEED=${own}/${details.counterexamplePath}`,
        { cause: details.errorInstance },
      );
    }

    async function lane(): Promise<void> {
      while (failing === undefined && (MINUTES > 0 ? Date.now() < until : planned < RUNS)) {
        const runs = MINUTES > 0 ? RUNS_PER_SEED : Math.min(RUNS_PER_SEED, RUNS - planned);
        planned += runs;
        await verify(seed++, runs);
      }
    }

    const lanes = PATH === undefined ? Array.from({ length: LANES }, lane) : [verify(seed, 1)];
    const ended = await Promise.allSettled(lanes);
    clearInterval(progress);
    print(tally);
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
    expect(missingFrom(tally)).toEqual([]);
  });
});

/** Returns the results that have not occurred, although there were enough scenarios for them. */
function missingFrom({ scenarios, verdicts }: Tally): string[] {
  if (scenarios < ENOUGH_FOR_VERDICTS) return [];
  const results = [...verdicts.keys()];
  return VERDICTS.flatMap((verdict) => {
    const missing = KINDS.map((kind) => `${kind} ${verdict}`).filter((result) => !results.includes(result));
    return scenarios >= ENOUGH_FOR_KINDS || missing.length === KINDS.length ? missing : [];
  });
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function print(tally: Tally): void {
  process.stdout.write(`${inspect(tally, { breakLength: Infinity })} WRITES_SEED=${SEED}\n`);
}
