import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { WRITE_KINDS } from './records';

const Actor = z.object({
  iss: z.string(),
  sub: z.string().nullable(),
  azp: z.string().nullable(),
  scopes: z.array(z.string()),
});
const Intent = z.object({
  ts: z.string(),
  event: z.templateLiteral([z.enum(WRITE_KINDS), '.intent']),
  operationId: z.string(),
  requestId: z.string().nullish(),
  actor: Actor.nullable(),
  target: z.object({
    userId: z.string(),
    extIdpId: z.string().nullable(),
    type: z.string().nullable(),
    userIdInIdp: z.string().optional(),
  }),
});
const Outcome = z.object({ event: z.templateLiteral([z.enum(WRITE_KINDS), '.outcome']), operationId: z.string() });
const AuditLine = z.union([Intent, Outcome]);

/** An intent as it was recorded. `ts` is in UTC, in the format of ISO 8601. */
export type RecordedIntent = z.infer<typeof Intent>;

export interface AuditReport {
  /** Intents without an outcome, oldest first. A recent one may still be in progress. */
  open: RecordedIntent[];
  /** The number of truncated or damaged lines. Their records are not in the report. */
  unreadable: number;
}

/**
 * Reads an audit file line by line. Lines that are not audit records are ignored, so a log that contains the trail can be
 * read too.
 *
 * @throws {Error} The file cannot be read.
 */
export async function readAudit(path: string): Promise<AuditReport> {
  const intents = new Map<string, RecordedIntent>();
  let unreadable = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    const value = parse(line);
    if (!isAuditRecord(value)) {
      if (value === undefined) unreadable++;
      continue;
    }
    const { success, data } = AuditLine.safeParse(value);
    if (!success) unreadable++;
    else if ('target' in data) intents.set(data.operationId, data);
    else intents.delete(data.operationId);
  }
  return { open: [...intents.values()], unreadable };
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
