import type { UnlinkJudgement } from '../../../src/client';

type NotExecuted = UnlinkJudgement & { kind: 'notExecuted' };
export type Outcome = { kind: Exclude<UnlinkJudgement['kind'], 'notExecuted'> } | NotExecuted;

/** What a person is told about an unlink. */
export interface Result {
  tone: 'busy' | 'good' | 'bad';
  text: string;
  /** The time from which trying again can help, in milliseconds. It is counted down after the text. */
  retryAt?: number;
  /** Whether it is not known if the account is connected, so that the person can ask for another check. */
  isUnknown?: boolean;
}

/** A time that is further away is shown as this one, so that it is always a valid date. */
const MAX_RETRY_MS = 24 * 60 * 60 * 1000;

/** Returns the words for the result of an unlink. They contain no code: people cannot act on it. */
export function describe(outcome: Outcome, name: string): Result {
  switch (outcome.kind) {
    case 'unlinked':
      return { tone: 'good', text: `${name} is disconnected. You can no longer sign in with it.` };
    case 'stillLinked':
      return { tone: 'bad', text: `${name} is still connected. You can try it again.` };
    case 'refused':
      return {
        tone: 'bad',
        text: `${name} was not removed: the request was refused. The list shows your accounts as they are.`,
      };
    case 'unknown':
      return {
        tone: 'bad',
        text: `It is not known whether ${name} was removed: your accounts cannot be read now.`,
        isUnknown: true,
      };
    case 'notExecuted':
      return { tone: 'bad', ...describeNotExecuted(outcome, name) };
  }
}

function describeNotExecuted({ code, retryAfterMs }: NotExecuted, name: string): Omit<Result, 'tone'> {
  if (retryAfterMs !== undefined) {
    const retryAt = Date.now() + Math.min(retryAfterMs, MAX_RETRY_MS);
    return { text: `${name} could not be removed, and nothing was changed. You can try`, retryAt };
  }
  switch (code) {
    case 'LAST_IDENTITY':
      return { text: `${name} is your last way to sign in. Connect another account before you remove it.` };
    case 'SIGN_IN_TOO_OLD':
      return { text: `To remove ${name}, please sign in again first. Nothing was changed.` };
    case 'FORBIDDEN':
      return { text: `You may not remove ${name}. Nothing was changed.` };
    default:
      return { text: `${name} cannot be removed at the moment. Nothing was changed.` };
  }
}
