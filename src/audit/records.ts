import { v7 } from 'uuid';
import type { Actor, TRUSTED } from '../callers';

/** The part of an actor that is recorded. */
export type RecordedActor = Pick<Actor, 'iss' | 'sub' | 'azp' | 'scopes'>;

/** The writes that are recorded. Events are named after them, such as `unlink.intent`. */
export const WRITE_KINDS = ['unlink', 'link', 'sessions'] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

/** The target of a write. */
export interface WriteTarget {
  userId: string;
  /** Null for sessions. */
  extIdpId: string | null;
  /** Null if the request names none. */
  type: string | null;
  /** Only of a link: the account at the identity source. */
  userIdInIdp?: string;
}

/** A write that is about to be sent, and the caller who requested it. For a trusted caller the recorded actor is null. */
export interface WriteIntent {
  kind: WriteKind;
  /** From `createOperationId`. The intent and its outcome have the same id. */
  operationId: string;
  /** The router's `x-request-id`; null if it is not known. */
  requestId: string | null;
  actor: RecordedActor | typeof TRUSTED;
  target: WriteTarget;
  /** Default: null. Why the caller requests the write. Only the record of the intent has it. */
  reason?: string | null;
}

/** `verified_absent` and `verified_present`: the response was lost, and a read shows the state that the write asks for. */
export const OUTCOMES = [
  'acked',
  'refused',
  'not_sent',
  'verified_absent',
  'verified_present',
  'unknown',
  'abandoned',
] as const;

/** The result of a write. */
export interface WriteOutcome extends WriteIntent {
  outcome: (typeof OUTCOMES)[number];
  upstream: UpstreamResult;
  /** The identities that an unlink removed. Null if that could not be read, and for other writes. */
  removed: readonly RemovedIdentity[] | null;
  latencyMs: number;
}

export interface RemovedIdentity {
  /** Null for an identity without an id. */
  id: string | null;
  type: string;
}

/** GenAuth's response to a write. Fields are null if there was no response. */
export interface UpstreamResult {
  statusCode: number | null;
  apiCode: number | null;
  requestId: string | null;
  /** The number of requests that were sent, or may have been sent. */
  attempts: number;
}

/** Creates a unique id. Ids sort by their time of creation. @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7 */
export function createOperationId(): string {
  return v7();
}
