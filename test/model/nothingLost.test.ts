import { inspect } from 'node:util';
import fc from 'fast-check';
import { violationsOf } from './history';
import { play } from './play';
import { type Scenario, scenario } from './scenario';
import { Tally } from './tally';

/** Default: 100. Number of scenarios. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 100);
/** Default: none. Minutes to play scenarios, instead of a number of scenarios. Progress is printed once a minute. */
const MINUTES = Number(process.env['MODEL_MINUTES'] ?? 0);
/** Default: a new seed. The first seed, or `seed/path` as a failure prints it, to play that one scenario again. */
const [SEED = `${Date.now() % 1e9}`, PATH] = process.env['MODEL_SEED']?.split('/') ?? [];

/** Concurrent scenarios. They mostly wait, for timeouts and for the reads that settle an unlink. */
const LANES = 25;
const RUNS_PER_SEED = 4;
/** From this many scenarios on, every verdict has to occur. With 100 scenarios, the rarest one occurs about 20 times. */
const ENOUGH_FOR_VERDICTS = 100;
/** From this many scenarios on, every outcome has to occur. With 100, `verified_absent` occurs between 4 and 15 times. */
const ENOUGH_FOR_OUTCOMES = 500;
const MAX_SHRINKING_MS = 180_000;

jest.setTimeout(MINUTES * 60_000 + 600_000);

describe('unlinks and reads under random faults and concurrency', () => {
  // An unhandled rejection fails the test too, because jest reports every rejection during a test as its failure.
  test('never lose, repeat or invent anything', async () => {
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
          const history = await play(drawn);
          const violations = violationsOf(history);
          if (violations.length > 0) throw new Error(`${violations.join('\n')}\n${inspect(history, { depth: 6 })}`);
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
        `${fc.defaultReportMessage(details)}\nPlay it again: MODEL_SEED=${own}/${details.counterexamplePath}`,
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
    if (tally.scenarios < ENOUGH_FOR_VERDICTS) return;
    // About two thirds; fewer on a busy machine, because calls exceed their timeouts.
    expect(tally.arrived).toBeGreaterThan(tally.unlinks / 10);
    for (const counts of [tally.verdicts, tally.reads]) expect(Object.values(counts)).not.toContain(0);
    if (tally.scenarios >= ENOUGH_FOR_OUTCOMES) expect(Object.values(tally.outcomes)).not.toContain(0);
  });
});

function print(tally: Tally): void {
  process.stdout.write(`${inspect(tally, { breakLength: Infinity })} MODEL_SEED=${SEED}\n`);
}
