/**
 * How often a property is tried, and from which seed. `JSON_RUNS=50` tries fifty times as many values, from a new seed, which
 * fast-check prints if the property fails.
 *
 * @param numRuns The number of values in an ordinary run.
 */
export function runs(numRuns: number): { numRuns: number; seed?: number } {
  const factor = Number(process.env['JSON_RUNS'] ?? 0);
  if (factor <= 0) return { numRuns, seed: 20_261_125 };
  // A long run takes longer than one test may.
  jest.setTimeout(3_600_000);
  return { numRuns: Math.ceil(numRuns * factor) };
}
