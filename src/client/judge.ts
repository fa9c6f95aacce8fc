import type { LinkIdentityMutation, RevokeSessionsMutation, UnlinkIdentityMutation } from '../__generated__/operations';
import { ERROR_CODES, type ErrorCode } from '../errorCodes';
import { errorsOf, payloadOf } from './response';

type Mutations = UnlinkIdentityMutation & LinkIdentityMutation & RevokeSessionsMutation;
type Payload<Field extends keyof Mutations> = NonNullable<Mutations[Field]>;

/** The result of a mutation that was not confirmed. `operationId` is for support: it names the audit records. */
export type NotDone =
  /** GenAuth refused. This is final. */
  | { kind: 'refused'; apiCode: number | null; requestId: string | null; operationId: string | null }
  /** Nothing was executed. With `retryAfterMs`, the same request may succeed after that time; without it, never. */
  | { kind: 'notExecuted'; code: ErrorCode; retryAfterMs?: number; operationId: string | null }
  /** It may have been executed. Read the identities before anything else. */
  | { kind: 'unknown'; operationId: string | null };

export type Judgement<Field extends keyof Mutations> = ({ kind: 'done' } & Payload<Field>) | NotDone;

/** `removed` is empty if nothing was linked, and null if that could not be read. `settleUnlink` returns `stillLinked`. */
export type UnlinkJudgement = ({ kind: 'unlinked' } & Payload<'unlinkIdentity'>) | { kind: 'stillLinked' } | NotDone;

/**
 * Judges an operation with one mutation field. A payload is decisive, whatever errors are beside it.
 *
 * @param resultOrError What a GraphQL client returned or threw, or the parsed body of a response.
 */
export function judge<Field extends keyof Mutations>(resultOrError: unknown, field: Field): Judgement<Field> {
  const payload = payloadOf<Mutations[Field]>(resultOrError, field);
  if (payload !== undefined) {
    const { apiCode, requestId, operationId } = payload;
    return payload.success ? { ...payload, kind: 'done' } : { kind: 'refused', apiCode, requestId, operationId };
  }
  const errors = errorsOf(resultOrError).filter((error) => error.field === undefined || error.field === field);
  const operationId = errors.find((error) => error.operationId !== undefined)?.operationId ?? null;
  const refusal = errors.find(({ outcome }) => outcome === 'NOT_EXECUTED');
  const isUnknown = refusal === undefined || errors.some(({ outcome }) => outcome === 'UNKNOWN');
  if (isUnknown) return { kind: 'unknown', operationId };
  // The code of a newer subgraph is reported as the code that says the least.
  const code = ERROR_CODES.find((each) => each === refusal.code) ?? 'INTERNAL_SERVER_ERROR';
  const { retryAfterMs } = refusal;
  return { kind: 'notExecuted', code, operationId, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** Judges `unlinkIdentity`. */
export function judgeUnlink(resultOrError: unknown): UnlinkJudgement {
  const judgement = judge(resultOrError, 'unlinkIdentity');
  return judgement.kind === 'done' ? { ...judgement, kind: 'unlinked' } : judgement;
}

/** An account, as the mutations name it. Without `type`, every identity under the source. */
export type Account = { extIdpId: string; type?: string | null; userIdInIdp?: string };
type Row = { readonly [Key in keyof Account]?: string | null };

/** Whether a user has an identity of the account. Null if the identities could not be read. */
export function isLinked(identities: readonly Row[] | null | undefined, account: Account): boolean | null {
  const names = (['extIdpId', 'type', 'userIdInIdp'] as const).filter((name) => typeof account[name] === 'string');
  return identities?.some((row) => names.every((name) => row[name] === account[name])) ?? null;
}

/**
 * Settles an unlink of unknown outcome by the user's identities. Read them from the network, not from a cache. A request
 * whose response was lost may still be running: read again before you tell a person that the account is still connected.
 */
export function settleUnlink(
  identities: readonly Row[] | null | undefined,
  account: Account,
): { kind: 'unlinked' | 'stillLinked' | 'unknown' } {
  const linked = isLinked(identities, account);
  if (linked === null) return { kind: 'unknown' };
  return { kind: linked ? 'stillLinked' : 'unlinked' };
}
