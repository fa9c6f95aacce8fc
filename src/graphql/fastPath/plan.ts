import type { GraphQLFormattedError } from 'graphql';
import type { Identities } from '../../identities';
import type { JsonWriter } from '../../json';
import type { FormatFieldError } from '../errors';
import type { FieldNodes, Selecting } from '../selections';
import type { Values, Variables } from './variables';

/** The response to an operation that was executed. */
export interface ExecutedResponse {
  /** 400: the response would be too large. */
  status: 200 | 400;
  body: string | Buffer;
  errors: readonly GraphQLFormattedError[];
  /** Whether a root field has a value other than null. */
  hasValue: boolean;
}

/** Executes an operation, and produces its complete response. Never fails. */
export type Execution = (identities: Identities, formatFieldError: FormatFieldError) => Promise<ExecutedResponse>;

/**
 * Checks the variables of a request. Nothing is executed before the check has passed.
 *
 * @returns null if Apollo Server has to respond: a variable has to be coerced, or the request has to be rejected.
 */
export type Plan = (variables: Variables, identities: Pick<Identities, 'mayRead'>) => Execution | null;

/** Writes one value of the response as JSON. */
export type Writer<Value> = (value: Value, out: JsonWriter) => void;

/** One execution of an operation. */
export interface Run {
  identities: Identities;
  errors: FieldErrors;
}

/** Writes the value of a root field. */
export type RootWriter = (out: JsonWriter) => void | Promise<void>;

/**
 * Executes a root field, and adds the errors of the fields below.
 *
 * @throws The error of the root field, as from a resolver. The field has no value then.
 */
export type RootExecution = (run: Run) => RootWriter | Promise<RootWriter>;

/** A root field. */
export interface RootField {
  responseName: string;
  nodes: FieldNodes;
}

/**
 * Prepares the execution of root fields of one kind for the variables of a request.
 *
 * @returns An execution for each of the fields, or null if graphql-js has to execute the request.
 */
export type RootPlan = (values: Values) => readonly RootExecution[] | null;

/** Compiles all root fields of one kind. @returns null if one of them cannot be compiled. */
export type CompileRoots = (fields: readonly RootField[], selecting: Selecting) => RootPlan | null;

/** Collects the errors of one response. */
export class FieldErrors {
  readonly formatted: GraphQLFormattedError[] = [];
  readonly #format: FormatFieldError;
  /** Errors that differ in their paths only. Formatting one takes 20 µs, and an outage can make thousands. */
  readonly #known = new Map<unknown, Map<FieldNodes, GraphQLFormattedError>>();

  constructor(format: FormatFieldError) {
    this.#format = format;
  }

  /** @param nodes The field that failed, or the list field whose item failed. */
  add(cause: unknown, nodes: FieldNodes, path: readonly (string | number)[]): void {
    const known = this.#known.get(cause);
    const similar = known?.get(nodes);
    if (similar !== undefined) {
      this.formatted.push({ ...similar, path });
      return;
    }
    const error = this.#format(cause, nodes, path);
    this.formatted.push(error);
    // Every unexpected error is reported.
    if (error.extensions?.['code'] === 'INTERNAL_SERVER_ERROR') return;
    if (known === undefined) this.#known.set(cause, new Map([[nodes, error]]));
    else known.set(nodes, error);
  }
}
