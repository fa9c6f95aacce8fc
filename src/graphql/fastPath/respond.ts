import { JsonWriter } from '../../json';
import { MAX_RESPONSE_BYTES, RESPONSE_TOO_LARGE, ResponseTooLargeError } from '../responseSize';
import type { FormatFieldError } from '../errors';
import { pace } from '../pace';
import {
  type ExecutedResponse,
  type Execution,
  FieldErrors,
  type RootExecution,
  type RootField,
  type RootWriter,
  type Run,
} from './plan';

/** A root field whose variables have been checked. */
export interface PreparedField extends RootField {
  execute: RootExecution;
  /** The response name as the key of a JSON object, with the colon. */
  key: string;
  /** Whether the field is nullable. If not, its error makes `data` null. */
  isNullable: boolean;
}

/**
 * Makes the complete response from the execution of the root fields, one after another as mutations require. Fields that share
 * their reads have started all of them with the first one.
 */
export function respond(fields: readonly PreparedField[]): Execution {
  return async (identities, formatFieldError) => {
    const run: Run = { identities, errors: new FieldErrors(formatFieldError) };
    const writers: (RootWriter | null)[] = [];
    for (const field of fields) {
      try {
        writers.push(await field.execute(run));
      } catch (error) {
        if (!field.isNullable) return refuse(field, error, formatFieldError);
        run.errors.add(error, field.nodes, [field.responseName]);
        writers.push(null);
      }
    }
    // Created after the reads: a writer holds a buffer of 64 KiB, and many requests wait for reads at the same time.
    const data = new JsonWriter(MAX_RESPONSE_BYTES);
    data.literal('{"data":{');
    for (const [index, write] of writers.entries()) {
      const field = fields[index] as PreparedField;
      data.literal(index === 0 ? field.key : `,${field.key}`);
      const start = data.length;
      try {
        if (write === null) data.literal('null');
        else await write(data);
      } catch (error) {
        if (!field.isNullable || error instanceof ResponseTooLargeError) return refuse(field, error, formatFieldError);
        run.errors.add(error, field.nodes, [field.responseName]);
        writers[index] = null;
        data.truncate(start);
        data.literal('null');
      }
    }
    data.literal('}}');
    const errors = run.errors.formatted;
    const hasValue = writers.some((write) => write !== null);
    return { status: 200, body: errors.length === 0 ? data.take() : await withErrors(data, run), errors, hasValue };
  };
}

/** Adds the errors in front of the data. */
async function withErrors(data: JsonWriter, { errors: { formatted } }: Run): Promise<string | Buffer> {
  const out = new JsonWriter();
  let separator = '{"errors":[';
  for (const error of formatted) {
    out.literal(separator);
    out.value(error);
    separator = ',';
    if (pace.isDue) await pace.rest();
  }
  out.literal('],');
  // Without the opening brace.
  data.copyTo(out, 1);
  return out.take();
}

/** The response without data. */
function refuse({ nodes, responseName }: PreparedField, cause: unknown, format: FormatFieldError): ExecutedResponse {
  if (cause instanceof ResponseTooLargeError) {
    const only = [RESPONSE_TOO_LARGE];
    return { status: 400, body: JSON.stringify({ errors: only }), errors: only, hasValue: false };
  }
  const errors = [format(cause, nodes, [responseName])];
  return { status: 200, body: JSON.stringify({ errors, data: null }), errors, hasValue: false };
}
