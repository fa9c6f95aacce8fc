import { inspect } from 'node:util';
import fc from 'fast-check';
import { violationsOf } from './history';
import { play } from './play';
import { type Scenario, scenario } from './scenario';
import { Tally } from './tally';

/** Default 100. How many scenarios are played. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 100);
/** Default none. Plays for so many minutes instead, and tells once a minute how far it is. */
const MINUTES = Number(process.env['MODEL_MINUTES'] ?? 0);
/** Default a new one. The seed to begin with; with the path that a failure prints, the one scenario to play again. */
const [SEED = `${Date.now() % 1e9}`, PATH] = process.env['MODEL_SEED']?.split('/') ?? [];

/** Scenarios wait most of their time, for timeouts and for reads that settle. */
const LANES = 25;
const RUNS_PER_SEED = 4;
/** Fewer say nothing about what is likely. */
const ENOUGH_TO_JUDGE = 50;
const MAX_SHRINKING_MS = 180_000;

jest.setTimeout(MINUTES * 60_000 + 600_000);

describe('unlinks and reads, whatever GenAuth does and whatever happens at the same time', () => {
  // An unhandled rejection fails it, too: jest takes every one that comes up while a test runs for a failure of that test,
  // and hides it from listeners of ours.
  test('never lose, repeat or invent anything', async () => {
    const tally = new Tally();
    const until = Date.now() + MINUTES * 60_000;
    const progress = setInterval(() => MINUTES > 0 && print(tally), 60_000);
    let seed = Number(SEED);
    let planned = 0;
    let failing: number | undefined;

    async function verify(own: number, runs: number): Promise<void> {
      const property = fc.asyncProperty(scenario, async (drawn: Scenario) => {
        // The others make way for the one that has failed, and is now looked for in smaller scenarios.
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
    if (tally.scenarios < ENOUGH_TO_JUDGE) return;
    expect(tally.arrived).toBeGreaterThan(tally.unlinks / 2);
    for (const counts of [tally.verdicts, tally.outcomes, tally.reads]) expect(Object.values(counts)).not.toContain(0);
  });
});

function print(tally: Tally): void {
  process.stdout.write(`${inspect(tally, { breakLength: Infinity })} MODEL_SEED=${SEED}\n`);
}
