import type { Emulator, SetFault } from '../../src/emulator';
import type { History } from './history';

/** Why a user cannot be read together with others: a profile of 4.3 MB, a row that has no id, or an error of GenAuth. */
export type Spoiled = 'large profile' | 'odd row' | 'envelope-500';

/** The id of the user with such content. */
export const SPOILED_ID = 'f'.padEnd(24, '0');

/** Larger than the 4 MiB that a response may have. */
const LARGE_PHOTO = 'x'.repeat(4_300_000);

/** Adds the user with such content, and an identity under a source. */
export function addSpoiledUser({ store, faults }: Emulator, spoiled: Spoiled, extIdpId: string): void {
  const row = { identityId: 'e'.repeat(24), extIdpId, type: 'openid', provider: 'wechat', userIdInIdp: 'u' };
  const whole = { ...row, userInfoInIdp: spoiled === 'large profile' ? { photo: LARGE_PHOTO } : {} };
  const rawIdentities = spoiled === 'odd row' ? [whole, null, { ...whole, identityId: {} }, 7] : [whole];
  store.addUser({ id: SPOILED_ID, rawIdentities });
  faults.set('get-user-batch', withSpoiled(spoiled, 'get-user-batch', []));
}

/** Returns the faults of a route, with the one of the user with such content. */
export function withSpoiled(spoiled: Spoiled | null, route: string, faults: readonly SetFault[]): readonly SetFault[] {
  const isAdded = spoiled === 'envelope-500' && route === 'get-user-batch';
  return isAdded ? [...faults, { fault: 'envelope-500', userId: SPOILED_ID }] : faults;
}

/** Errors that a busy machine can cause. */
const TOO_SLOW: readonly unknown[] = ['UPSTREAM_TIMEOUT', 'DEADLINE_EXCEEDED'];

/** The content of a user does not make the reads of other users fail. */
export function violationsOfSpoiling({ readings, initial }: History): string[] {
  // A user that does not exist may be an error, because GenAuth may have no code for it.
  const failed = readings.filter(({ userId, isUndisturbed, seen, code }) => {
    return isUndisturbed && initial.has(userId) && seen === 'error' && !TOO_SLOW.includes(code);
  });
  return failed.map(({ userId }) => `a read of ${userId} failed, although nothing of this user makes calls fail`);
}
