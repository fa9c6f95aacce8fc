import type { Fault, Making, ReadOutcome, UnlinkOutcome } from './scene';
import type { Spoil } from './wire';

export const reads = (calls: number, ...gets: string[]): ReadOutcome => ({ gets, calls });
export const unlinks = (
  gets: string,
  outcome: UnlinkOutcome['outcome'],
  posts: number,
  settling = 0,
): UnlinkOutcome => ({
  gets,
  ...(outcome === undefined ? {} : { outcome }),
  posts,
  reads: settling,
});
export const notExecuted = (code: string, posts = 0): UnlinkOutcome => unlinks(code, 'NOT_EXECUTED', posts);
export const unknown = (settling: number): UnlinkOutcome => unlinks('UNLINK_OUTCOME_UNKNOWN', 'UNKNOWN', 1, settling);

export const IDENTITIES = reads(1, 'identities');
export const UNAVAILABLE = reads(2, 'UPSTREAM_UNAVAILABLE');
export const TIMED_OUT = reads(2, 'UPSTREAM_TIMEOUT');
export const UNUSABLE = reads(1, 'UPSTREAM_BAD_RESPONSE');
export const SUCCESS = unlinks('success: true', undefined, 1);
export const REFUSED = unlinks('success: false', undefined, 1);

export const fault = (name: string, making: Making, read: Fault['read'], unlink: Fault['unlink']): Fault => ({
  name,
  making,
  read,
  unlink,
});
/** An answer of GenAuth's, or of something on the way. */
export const answer = (name: string, spoil: Spoil, read: Fault['read'], unlink: Fault['unlink']): Fault =>
  fault(name, { spoil }, read, unlink);
/** An answer that proves nothing. */
export const unclear = (name: string, spoil: Spoil, read: Fault['read']): Fault => answer(name, spoil, read, 'settled');
