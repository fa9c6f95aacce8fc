/** States after which a user is done. */
const DONE = ['unlinked', 'notLinked', 'linked'] as const;
/** States after which the next run tries the user again. */
const LEFT = ['kept', 'refused', 'stillLinked', 'unknown', 'failed'] as const;
const STATES = ['sending', ...DONE, ...LEFT] as const;

export type State = (typeof STATES)[number];

/** An identity, as `linkIdentity` takes it. */
export interface RemovedIdentity {
  extIdpId: string;
  type: string;
  /** Null: it cannot be linked again. */
  userIdInIdp: string | null;
}

/** A line of a journal. Members that are undefined are left out. */
export interface JournalLine {
  /** ISO 8601, in UTC. */
  ts: string;
  /** Null for an account without an owner, or whose owner could not be read. */
  userId: string | null;
  /** Only of a run over accounts. */
  account?: string | undefined;
  state: State;
  /** The source of the run. */
  extIdpId: string;
  /** `sending`: the identities that may be gone afterwards. Otherwise: those that are gone; of `undo`, those linked again. */
  removed?: readonly RemovedIdentity[] | undefined;
  operationId?: string | undefined;
  /** GenAuth's id of the request. */
  requestId?: string | undefined;
  /** `sending`: the header of the request, which the audit trail contains as `requestId`. */
  xRequestId?: string | undefined;
  code?: string | undefined;
  apiCode?: number | undefined;
  /** The text of `--reason`. */
  reason?: string | undefined;
  /** Whether the sessions of the user were ended. */
  signedOut?: true | undefined;
}

/** Returns null for a text that is not a line of a journal. */
export function parseLine(text: string): JournalLine | null {
  try {
    const value = JSON.parse(text) as JournalLine;
    const { ts, userId, state, extIdpId, account, removed } = value;
    const isLine =
      typeof ts === 'string' &&
      (userId === null || typeof userId === 'string') &&
      (account === undefined || typeof account === 'string') &&
      STATES.includes(state) &&
      typeof extIdpId === 'string' &&
      (removed === undefined || (Array.isArray(removed) && removed.every(isRemoved)));
    return isLine ? value : null;
  } catch {
    return null;
  }
}

function isRemoved(value: unknown): value is RemovedIdentity {
  const { extIdpId, type, userIdInIdp } = (value ?? {}) as RemovedIdentity;
  return (
    typeof extIdpId === 'string' &&
    typeof type === 'string' &&
    (userIdInIdp === null || typeof userIdInIdp === 'string')
  );
}

export function isDone(state: State): boolean {
  return DONE.some((each) => each === state);
}

/** Returns the key of a line: the account in a run over accounts, otherwise the user. */
export function keyOf({ account, userId }: JournalLine): string {
  return account ?? userId ?? '';
}

/** Returns the identities of two lists, each once. */
export function union(
  some: readonly RemovedIdentity[],
  others: readonly RemovedIdentity[],
): readonly RemovedIdentity[] {
  return [...some, ...without(others, some)];
}

/** Returns the identities that another list does not contain. */
export function without(
  some: readonly RemovedIdentity[],
  others: readonly RemovedIdentity[],
): readonly RemovedIdentity[] {
  return some.filter((each) => !others.some((other) => isSame(each, other)));
}

function isSame(one: RemovedIdentity, other: RemovedIdentity): boolean {
  return one.extIdpId === other.extIdpId && one.type === other.type && one.userIdInIdp === other.userIdInIdp;
}
