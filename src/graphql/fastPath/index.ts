import { type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import type { Context } from '../context';
import { createDocumentCache } from '../documents';
import { describe, type OperationDescription } from '../reports';
import { compile } from './compile';
import type { Execution, Plan } from './plan';

export type { Execution } from './plan';

/** A GraphQL request, in the form of an HTTP body. */
export interface GraphQLRequest {
  query: string;
  operationName?: string | null;
  variables?: Readonly<Record<string, unknown>> | null;
}

interface CompiledOperation {
  description: OperationDescription;
  plan: Plan;
}

/** An operation that is to be executed by its plan. Nothing has been executed yet. */
export interface PreparedOperation {
  description: OperationDescription;
  execute: Execution;
}

/**
 * The compiled operations. They skip graphql-js's executor, and Apollo Server's pipeline from their second request on.
 *
 * Apollo Server parses, validates and accepts an operation the first time. Then the operation is compiled, and found by the
 * text of its document from then on. A plan checks the variables before it executes anything. It produces the complete
 * response, errors included.
 */
export class FastPath {
  /** By the text of the document, then by the requested operation name. Null: the operation cannot be compiled. */
  readonly #documents = createDocumentCache<Map<string | null, CompiledOperation | null>>();
  /** By a part of the context, because Apollo Server copies the context. */
  readonly #accepted = new WeakMap<Context['identities'], PreparedOperation>();

  /**
   * Compiles what Apollo Server is about to execute, after every check that could have rejected it. If there is a plan, Apollo
   * Server does not execute the operation: its response is a placeholder, and `accepted` returns the operation.
   *
   * @param isTraced Whether graphql-js has to execute the request, because only it can measure the timings of fields.
   */
  plugin(isTraced: (context: Context) => boolean): ApolloServerPlugin<Context> {
    return {
      requestDidStart: () =>
        Promise.resolve({
          responseForOperation: ({ source, request, document, operation, contextValue }) => {
            // Apollo Server calls this even if the document does not contain the requested operation.
            if ((operation as OperationDefinitionNode | undefined) === undefined) return Promise.resolve(null);
            const { operationName, variables } = request;
            const compiled = this.#add(source, operationName ?? null, operation, document);
            if (isTraced(contextValue)) return Promise.resolve(null);
            const execute = compiled?.plan(variables ?? {}, contextValue.identities) ?? null;
            if (compiled === null || execute === null) return Promise.resolve(null);
            this.#accepted.set(contextValue.identities, { description: compiled.description, execute });
            const http = { headers: new HeaderMap() };
            return Promise.resolve({ http, body: { kind: 'single', singleResult: { data: null } } });
          },
        }),
    };
  }

  #add(
    query: string,
    name: string | null,
    operation: OperationDefinitionNode,
    document: DocumentNode,
  ): CompiledOperation | null {
    let operations = this.#documents.get(query);
    if (operations === undefined) {
      operations = new Map();
      this.#documents.set(query, operations);
    }
    let compiled = operations.get(name);
    if (compiled === undefined) {
      const plan = compile(operation, document);
      compiled = plan && { description: describe(operation), plan };
      operations.set(name, compiled);
    }
    return compiled;
  }

  /** @returns null if the operation has not been compiled, or Apollo Server has to respond to this request. */
  prepare({ query, operationName, variables }: GraphQLRequest, { identities }: Context): PreparedOperation | null {
    const compiled = this.#documents.get(query)?.get(operationName ?? null) ?? null;
    const execute = compiled?.plan(variables ?? {}, identities) ?? null;
    return compiled && execute && { description: compiled.description, execute };
  }

  /** Returns the operation that Apollo Server has accepted and not executed, or null. */
  accepted({ identities }: Context): PreparedOperation | null {
    return this.#accepted.get(identities) ?? null;
  }
}
