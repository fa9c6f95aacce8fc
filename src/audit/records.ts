import { v7 } from 'uuid';
import type { Actor, TRUSTED } from '../callers';

/** The part of an actor that is recorded. */
export type RecordedActor = Pick<Actor, 'iss' | 'sub' | 'azp' | 'scopes'>;

/** An unlink that is about to be sent, and the caller who requested it. For a trusted caller the recorded actor is null. */
export interface UnlinkIntent {
  /** From `createOperationId`. The intent and its outcome have the same id. */
  operationId: string;
  actor: RecordedActor | typeof TRUSTED;
  /** `type` is null if the request names none. */
  target: { userId: string; extIdpId: string; type: string | null };
}

/** The result of an unlink. */
export interface UnlinkOutcome extends UnlinkIntent {
  outcome: 'acked' | 'refused' | 'not_sent' | 'verified_absent' | 'unknown' | 'abandoned';
  upstream: UpstreamResult;
  latencyMs: number;
}

/** GenAuth's response to an unlink. Fields are null if there was no response. */
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
