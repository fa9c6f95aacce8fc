/**
 * Pauses in milliseconds before the reads that verify a write, for as long as they do not show it: GenAuth may read from a
 * replica that lags, or may still execute a request whose response was lost.
 */
export const VERIFY_AFTER_MS: readonly number[] = [0, 150, 800, 2_000];
