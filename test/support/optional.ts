/**
 * Groups tests that need more than Node, such as a browser. They are skipped by name if it is not installed, except with
 * `REQUIRE_ALL_TESTS=1`.
 */
export function describeWith(isInstalled: boolean): jest.Describe {
  return isInstalled || process.env['REQUIRE_ALL_TESTS'] === '1' ? describe : describe.skip;
}
