/**
 * For tests that need more than Node: runs them where it is there, and skips them by name where it is not. On the gate, where
 * everything has been installed, nothing is skipped.
 */
export function describeWith(isThere: boolean): jest.Describe {
  return isThere || process.env['REQUIRE_ALL_TESTS'] === '1' ? describe : describe.skip;
}
