import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { OUTCOMES, WRITE_KINDS } from './records';

const Actor = z.object({
  iss: z.string(),
  sub: z.string().nullable(),
  azp: z.string().nullable(),
  scopes: z.array(z.string()),
});
const OperationId = z.string().regex(/^[\w-]{1,64}$/);
const Intent = z.object({
  ts: z.iso.datetime(),
  event: z.templateLiteral([z.enum(WRITE_KINDS), '.intent']),
  operationId: OperationId,
  requestId: z.string().nullish(),
  actor: Actor.nullable(),
  target: z.object({
    userId: z.string(),
    extIdpId: z.string().nullable(),
    type: z.string().nullable(),
    userIdInIdp: z.string().optional(),
  }),
});
const Outcome = z.object({
  event: z.templateLiteral([z.enum(WRITE_KINDS), '.outcome']),
  operationId: OperationId,
  outcome: z.enum(OUTCOMES),
});
const AuditLine = z.union([Intent, Outcome]);

/** An intent as it was recorded. `ts` is in UTC, in the format of ISO 8601. */
export type RecordedIntent = z.infer<typeof Intent>;

/** A write whose result is not known. */
export interface UnsettledWrite {
  intent: RecordedIntent;
  /** `open`: there is no outcome. `unknown` and `abandoned` are the recorded outcome. */
  kind: 'open' | 'unknown' | 'abandoned';
}

export interface AuditReport {
  /** Writes whose result is not known, oldest first. A recent one may still be in progress. */
  unsettled: UnsettledWrite[];
  /** The number of truncated or damaged lines. Their records are not in the report. */
  unreadable: number;
  /** The numbers of the first ten of these lines. */
  unreadableLines: number[];
}

const MAX_LINE_NUMBERS = 10;

/**
 * Reads an audit file line by line. Lines that are not audit records are ignored, so a log that contains the trail can be
 * read too.
 *
 * @throws {Error} The file cannot be read.
 */
export async function readAudit(path: string): Promise<AuditReport> {
  const writes = new Map<string, UnsettledWrite>();
  const unreadableLines: number[] = [];
  let unreadable = 0;
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number++;
    const record = toRecord(line);
    if (record === 'unreadable') {
      unreadable++;
      if (unreadableLines.length < MAX_LINE_NUMBERS) unreadableLines.push(number);
    } else if (record !== 'other') {
      add(writes, record);
    }
  }
  return { unsettled: [...writes.values()], unreadable, unreadableLines };
}

function add(writes: Map<string, UnsettledWrite>, record: z.infer<typeof AuditLine>): void {
  const { operationId } = record;
  if ('target' in record) {
    // Records are written at least once. A repeated intent must not hide an outcome.
    if (!writes.has(operationId)) writes.set(operationId, { intent: record, kind: 'open' });
    return;
  }
  const write = writes.get(operationId);
  if (write === undefined) return;
  if (record.outcome === 'unknown' || record.outcome === 'abandoned') write.kind = record.outcome;
  else writes.delete(operationId);
}

/** Returns the audit record of a line, or `other` for a line of another kind. */
function toRecord(line: string): z.infer<typeof AuditLine> | 'other' | 'unreadable' {
  if (line.trim() === '') return 'other';
  const value = parse(line);
  if (value === undefined) return 'unreadable';
  if (!isAuditRecord(value)) return 'other';
  return AuditLine.safeParse(value).data ?? 'unreadable';
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isAuditRecord(value: unknown): boolean {
  const event: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'event') : undefined;
  return typeof event === 'string' && WRITE_KINDS.some((kind) => event.startsWith(`${kind}.`));
}
