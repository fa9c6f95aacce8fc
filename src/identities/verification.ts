import type { WriteOutcome } from '../audit';
import { type Deadline, pause } from '../deadline';
import { NotVisibleError } from './errors';
import type { SentRequest } from './send';

/**
 * Pauses in milliseconds before the reads that verify a write, for as long as they do not show it: GenAuth may read from a
 * replica that lags, or may still execute a request whose response was lost.
 */
const VERIFY_AFTER_MS: readonly number[] = [0, 150, 800, 2_000];

export interface VerificationOptions<Read> {
  /** The requests of the write. */
  sent: readonly SentRequest[];
  deadline: Deadline;
  /** Reads the state after the write. Never fails. Undefined: the state could not be read. */
  read: () => Promise<Read | undefined>;
  /** Whether a read shows the state that the write asks for. */
  isReached: (after: Read) => boolean;
  /** The outcome if a response was lost, and a read shows that state. */
  settledAs: WriteOutcome['outcome'];
}

/** The result of a write, as its requests and the reads after them show it. */
export interface Verification<Read> {
  outcome: WriteOutcome['outcome'];
  /** The reason for `not_sent` and `unknown`. */
  error: unknown;
  /** The last state that could be read. Undefined if none could be read, or if nothing was executed. */
  after: Read | undefined;
}

/**
 * Verifies a write by reads, within its deadline. Nothing is read if none of the requests can have been executed.
 *
 * A read that shows the state shows that the write is done. A read that does not show it proves nothing: the outcome is
 * `unknown` then, unless GenAuth refused one of the requests.
 */
export async function verify<Read>({
  sent,
  deadline,
  read,
  isReached,
  settledAs,
}: VerificationOptions<Read>): Promise<Verification<Read>> {
  const has = (outcome: SentRequest['outcome']): boolean => sent.some((request) => request.outcome === outcome);
  const failed = sent.find(({ outcome }) => outcome === 'lost' || outcome === 'not_sent');
  if (!has('acked') && !has('lost')) {
    return { outcome: has('refused') ? 'refused' : 'not_sent', error: failed?.error, after: undefined };
  }
  let after: Read | undefined;
  for (const pauseMs of pausesAfter(has('lost'), has('not_sent') || has('refused'))) {
    if (pauseMs > 0) await pause(pauseMs, deadline).catch(() => undefined);
    if (deadline.aborted) break;
    const latest = await read();
    after = latest ?? after;
    if (latest !== undefined && isReached(latest)) {
      return { outcome: has('acked') ? 'acked' : settledAs, error: null, after };
    }
    // The confirmation stands, and the client has already retried the read.
    if (after === undefined && !has('lost')) break;
  }
  if (failed === undefined && has('refused')) return { outcome: 'refused', error: null, after };
  if (failed === undefined && after === undefined) return { outcome: 'acked', error: null, after };
  return { outcome: 'unknown', error: failed?.error ?? new NotVisibleError(), after };
}

/**
 * Returns the pauses before the reads that verify a write. A lost response needs time, because GenAuth may still be executing
 * the request. A request that was not executed needs none.
 */
export function pausesAfter(isLost: boolean, isIncomplete: boolean): readonly number[] {
  if (isLost) return VERIFY_AFTER_MS.slice(1);
  return isIncomplete ? VERIFY_AFTER_MS.slice(0, 1) : VERIFY_AFTER_MS;
}
