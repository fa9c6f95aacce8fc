import { type FieldNode, type GraphQLFormattedError, Kind } from 'graphql';
import type { Identities } from '../../identities';
import type { JsonWriter } from '../../json';
import type { FormatFieldError } from '../errors';

export type Variables = Readonly<Record<string, unknown>>;

/** The field nodes that are merged into one field of the response. */
export type FieldNodes = readonly [FieldNode, ...FieldNode[]];

/** The response to an operation that was executed. */
export interface ExecutedResponse {
  body: string | Buffer;
  errors: readonly GraphQLFormattedError[];
  /** Whether the root field has a value other than null. */
  hasValue: boolean;
}

/** Executes an operation, and produces its complete response. Never fails. */
export type Execution = (identities: Identities, formatFieldError: FormatFieldError) => Promise<ExecutedResponse>;

/**
 * Checks the variables of a request. Nothing is executed before the check has passed.
 *
 * @returns null if graphql-js has to execute the request, because a variable has to be coerced or rejected.
 */
export type Plan = (variables: Variables) => Execution | null;

/** Writes one value of the response as JSON. */
export type Writer<Value> = (value: Value, out: JsonWriter) => void;

/** Collects the errors of one response. */
export class FieldErrors {
  readonly formatted: GraphQLFormattedError[] = [];
  readonly #format: FormatFieldError;

  constructor(format: FormatFieldError) {
    this.#format = format;
  }

  /** @param nodes The field that failed, or the list field whose item failed. */
  add(cause: unknown, nodes: FieldNodes, path: readonly (string | number)[]): void {
    this.formatted.push(this.#format(cause, nodes, path));
  }
}

/**
 * Executes a root field.
 *
 * @param path The path of the root field.
 * @returns A function that writes the value of the field.
 * @throws The error of the root field, as from a resolver. The field has no value then.
 */
export type FieldExecution = (
  identities: Identities,
  path: readonly [string],
  errors: FieldErrors,
) => Promise<(out: JsonWriter) => void>;

/** Checks the variables for a root field. @returns null if graphql-js has to execute the request. */
export type FieldPlan = (variables: Variables) => FieldExecution | null;

/** Returns the name of the variable that an argument is set to, or null if the argument is not set to a variable. */
export function variableOf({ arguments: args = [] }: FieldNode, argument: string): string | null {
  const value = args.find(({ name }) => name.value === argument)?.value;
  return value?.kind === Kind.VARIABLE ? value.name.value : null;
}
