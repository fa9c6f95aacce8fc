/**
 * Groups tests that need more than Node, such as a browser. They are skipped by name if it is not installed, except with
 * `REQUIRE_ALL_TESTS=1`.
 *
 * @param isAvailable Default true. False if it does not exist for this machine. The tests are skipped in any case then.
 */
export function describeWith(isInstalled: boolean, isAvailable = true): jest.Describe {
  const isRequired = process.env['REQUIRE_ALL_TESTS'] === '1' && isAvailable;
  return isInstalled || isRequired ? describe : describe.skip;
}
