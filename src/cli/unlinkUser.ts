import { type Judgement, RevokeSessionsDocument, UnlinkIdentityDocument } from '../client';
import { NotAllowedError } from './errors';
import { type JournalLine, type RemovedIdentity, union, without } from './journalLine';
import { mutate, settle, type Unreachable } from './mutate';
import type { Supergraph } from './supergraph';
import type { Identity, ReadUser } from './users';

/** The result for one user: the members of its line in the journal that depend on the outcome. */
export type Result = Pick<
  JournalLine,
  'state' | 'removed' | 'operationId' | 'requestId' | 'code' | 'apiCode' | 'signedOut'
>;

export interface UnlinkOptions {
  supergraph: Supergraph;
  extIdpId: string;
  /** Default: every identity under the source. */
  type?: string | undefined;
  keepLast: boolean;
  revokeSessions: boolean;
}

/** A user whom a run unlinks. */
export interface Target {
  user: ReadUser;
  /** Identities that an earlier run found and may have unlinked. Undefined: no earlier run began this user. */
  begun: readonly RemovedIdentity[] | undefined;
  /** Called before the mutation is sent, with the identities that may be gone afterwards. */
  onSend: (identities: readonly RemovedIdentity[], xRequestId: string) => Promise<void>;
  /** Called if a permission is missing. The result says so too. */
  onNotAllowed: (error: NotAllowedError) => void;
}

/** Unlinks one user. @throws {StopError} Nothing was sent. */
export async function unlinkUser(options: UnlinkOptions, target: Target): Promise<Result> {
  try {
    const result = await unlink(options, target);
    if (result.state !== 'unlinked' || !options.revokeSessions) return result;
    return await signOut(options.supergraph, target, result);
  } catch (error) {
    if (!(error instanceof NotAllowedError)) throw error;
    target.onNotAllowed(error);
    const { begun } = target;
    return { state: 'failed', code: String(error.cause), ...(begun === undefined ? {} : { removed: begun }) };
  }
}

/** Returns the identities of a user that an unlink removes. */
export function identitiesUnder(
  identities: readonly Identity[],
  { extIdpId, type }: Pick<UnlinkOptions, 'extIdpId' | 'type'>,
): Identity[] {
  return identities.filter((each) => each.extIdpId === extIdpId && (type === undefined || each.type === type));
}

export function toRemoved(
  identities: readonly Omit<Identity, 'isLastWayToSignIn' | 'unlinkBlockedBy'>[],
): RemovedIdentity[] {
  return identities.flatMap(({ extIdpId, type, userIdInIdp }) =>
    extIdpId === null ? [] : [{ extIdpId, type, userIdInIdp }],
  );
}

async function unlink(options: UnlinkOptions, { user, begun, onSend }: Target): Promise<Result> {
  const { supergraph, extIdpId, type, keepLast } = options;
  const linked = identitiesUnder(user.identities, options);
  const found = toRemoved(linked);
  const gone = without(begun ?? [], found);
  const left = gone.length === 0 ? {} : { removed: gone };
  if (linked.length === 0) return begun === undefined ? { state: 'notLinked' } : { state: 'unlinked', ...left };
  // Null: it is not known whether the user would be locked out.
  if (keepLast && linked.some(({ isLastWayToSignIn }) => isLastWayToSignIn !== false))
    return { state: 'kept', ...left };
  const all = union(gone, found);
  const judgement = await mutate(supergraph, 'unlinkIdentity', {
    document: UnlinkIdentityDocument,
    variables: { userId: user.id, extIdpId, ...(type === undefined ? {} : { type }) },
    onSend: (xRequestId) => onSend(all, xRequestId),
  });
  const ids = idsOf(judgement);
  switch (judgement.kind) {
    case 'done': {
      const { removed } = judgement;
      if (removed === null) return { state: 'unlinked', removed: await readRemoved(options, user.id, all), ...ids };
      if (removed.length > 0) return { state: 'unlinked', removed: union(gone, toRemoved(removed)), ...ids };
      // The identities went between the read and the unlink: by an unlink of an earlier run that was late, or by another caller.
      return begun === undefined ? { state: 'notLinked', ...ids } : { state: 'unlinked', removed: all, ...ids };
    }
    case 'refused':
      return { state: 'refused', ...left, ...ids };
    case 'notExecuted': {
      const { code } = judgement;
      const state = code !== 'LAST_IDENTITY' ? 'failed' : keepLast ? 'kept' : 'refused';
      return { state, code, ...left, ...ids };
    }
    case 'unknown': {
      const read = await settle(supergraph, user.id, (each) => typeof each !== 'string' && isGone(options, each));
      if (typeof read === 'string') return { state: 'unknown', ...ids };
      return isGone(options, read) ? { state: 'unlinked', removed: all, ...ids } : { state: 'stillLinked', ...ids };
    }
  }
}

function isGone(options: UnlinkOptions, user: ReadUser | null): boolean {
  return user === null || identitiesUnder(user.identities, options).length === 0;
}

/** Returns the identities that are gone. Undefined if the user cannot be read. */
async function readRemoved(
  options: UnlinkOptions,
  userId: string,
  found: readonly RemovedIdentity[],
): Promise<readonly RemovedIdentity[] | undefined> {
  const read = await settle(options.supergraph, userId, (each) => typeof each !== 'string');
  if (typeof read === 'string') return undefined;
  return without(found, toRemoved(read === null ? [] : identitiesUnder(read.identities, options)));
}

/** Ends the sessions of a user who was unlinked. A user whose sessions may be left is not done. */
async function signOut(supergraph: Supergraph, { user, onNotAllowed }: Target, unlinked: Result): Promise<Result> {
  const judgement = await revoke(supergraph, user.id).catch((error: unknown) => {
    if (!(error instanceof NotAllowedError)) return null;
    onNotAllowed(error);
    return error;
  });
  // Recorded even if it is empty: from this the next run knows that the user was unlinked.
  const { removed = [] } = unlinked;
  if (judgement === null) return { ...unlinked, state: 'failed', removed };
  if (judgement instanceof NotAllowedError)
    return { ...unlinked, state: 'failed', code: String(judgement.cause), removed };
  if (judgement.kind === 'done') return { ...unlinked, signedOut: true };
  const code = judgement.kind === 'notExecuted' ? { code: judgement.code } : {};
  return {
    ...unlinked,
    ...idsOf(judgement),
    ...code,
    state: judgement.kind === 'unknown' ? 'unknown' : 'failed',
    removed,
  };
}

/** Signing out twice changes nothing more, so that it is repeated once after an unknown outcome. */
async function revoke(supergraph: Supergraph, userId: string): Promise<Judgement<'revokeSessions'> | Unreachable> {
  const mutation = { document: RevokeSessionsDocument, variables: { userId } };
  const judgement = await mutate(supergraph, 'revokeSessions', mutation);
  return judgement.kind === 'unknown' ? mutate(supergraph, 'revokeSessions', mutation) : judgement;
}

function idsOf(judgement: Judgement<'unlinkIdentity' | 'revokeSessions'> | Unreachable): Partial<Result> {
  const { operationId } = judgement;
  const ids = operationId === null ? {} : { operationId };
  if (judgement.kind !== 'done' && judgement.kind !== 'refused') return ids;
  const { apiCode, requestId } = judgement;
  return { ...ids, ...(apiCode === null ? {} : { apiCode }), ...(requestId === null ? {} : { requestId }) };
}
