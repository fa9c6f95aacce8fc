import { TRUSTED } from '../callers';
import type { WriteIntent, WriteOutcome, WriteTarget } from './records';

/**
 * Formats a record as a line of JSON. It contains the listed fields only, so that no extra property of a token reaches the
 * trail.
 *
 * The line is ASCII. Some readers end a line at U+0085, U+2028 or U+2029, and a claim in a token may contain these.
 *
 * @param ms The time of the record, in milliseconds since 1970.
 */
export function toLine(record: WriteIntent | WriteOutcome, ms: number): string {
  const { kind, operationId, requestId, actor, target } = record;
  const isOutcome = 'outcome' in record;
  const fields = {
    ts: new Date(ms).toISOString(),
    event: `${kind}.${isOutcome ? 'outcome' : 'intent'}`,
    operationId,
    requestId,
    actor: actorFields(actor),
    target: targetFields(target),
    ...(isOutcome ? outcomeFields(record) : {}),
  };
  return `${JSON.stringify(fields).replace(/[\x7f-\uffff]/g, escape)}\n`;
}

function actorFields(actor: WriteIntent['actor']): object | null {
  if (actor === TRUSTED) return null;
  const { iss, sub, azp, scopes } = actor;
  return { iss, sub, azp, scopes };
}

function targetFields({ userId, extIdpId, type, userIdInIdp }: WriteTarget): object {
  return { userId, extIdpId, type, ...(userIdInIdp === undefined ? {} : { userIdInIdp }) };
}

function outcomeFields({ outcome, upstream, removed, latencyMs }: WriteOutcome): object {
  const { statusCode, apiCode, requestId, attempts } = upstream;
  return {
    outcome,
    upstream: { statusCode, apiCode, requestId, attempts },
    removed: removed?.map(({ id, type }) => ({ id, type })) ?? null,
    latencyMs,
  };
}

function escape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
