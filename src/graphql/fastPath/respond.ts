import { JsonWriter } from '../../json';
import { MAX_RESPONSE_BYTES, RESPONSE_TOO_LARGE, ResponseTooLargeError } from '../responseSize';
import { pace } from '../pace';
import {
  type ExecutedResponse,
  type Execution,
  FieldErrors,
  type RootExecution,
  type RootField,
  type Run,
} from './plan';

/** A root field whose variables have been checked. */
export interface PreparedField extends RootField {
  execute: RootExecution;
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
    const data = new JsonWriter(MAX_RESPONSE_BYTES);
    data.literal('{"data":{');
    let hasValue = false;
    for (const [index, field] of fields.entries()) {
      data.literal(`${index === 0 ? '' : ','}${JSON.stringify(field.responseName)}:`);
      const start = data.length;
      try {
        const write = await field.execute(run);
        await write(data);
        hasValue = true;
      } catch (error) {
        if (!field.isNullable || error instanceof ResponseTooLargeError) {
          return refuse(field, error, new FieldErrors(formatFieldError));
        }
        data.truncate(start);
        data.literal('null');
        run.errors.add(error, field.nodes, [field.responseName]);
      }
    }
    data.literal('}}');
    const errors = run.errors.formatted;
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
function refuse(field: PreparedField, cause: unknown, errors: FieldErrors): ExecutedResponse {
  if (cause instanceof ResponseTooLargeError) {
    const only = [RESPONSE_TOO_LARGE];
    return { status: 400, body: JSON.stringify({ errors: only }), errors: only, hasValue: false };
  }
  errors.add(cause, field.nodes, [field.responseName]);
  const { formatted } = errors;
  return { status: 200, body: JSON.stringify({ errors: formatted, data: null }), errors: formatted, hasValue: false };
}
