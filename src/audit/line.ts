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
  const { kind, operationId, requestId, actor, target, reason = null } = record;
  const isOutcome = 'outcome' in record;
  const fields = {
    ts: new Date(ms).toISOString(),
    event: `${kind}.${isOutcome ? 'outcome' : 'intent'}`,
    operationId,
    requestId,
    actor: actorFields(actor),
    target: targetFields(target),
    ...(isOutcome ? outcomeFields(record) : reason === null ? {} : { reason }),
  };
  return `${toAscii(fields)}\n`;
}

/** Bounds of the scopes in a record: their number, and their total length as JSON. A token can contain thousands. */
const MAX_SCOPES = { count: 50, characters: 1_024 };

/** If scopes are left out, `scopesOmitted` says how many. */
function actorFields(actor: WriteIntent['actor']): object | null {
  if (actor === TRUSTED) return null;
  const { iss, sub, azp } = actor;
  const scopes: string[] = [];
  let characters = 0;
  for (const scope of actor.scopes) {
    characters += toAscii(scope).length;
    if (scopes.length === MAX_SCOPES.count || characters > MAX_SCOPES.characters) break;
    scopes.push(scope);
  }
  const scopesOmitted = actor.scopes.length - scopes.length;
  return { iss, sub, azp, scopes, ...(scopesOmitted === 0 ? {} : { scopesOmitted }) };
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

function toAscii(value: unknown): string {
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, escape);
}

function escape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
