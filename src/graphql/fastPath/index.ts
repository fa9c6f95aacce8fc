import type { ApolloServerPlugin } from '@apollo/server';
import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import type { Context } from '../context';
import { createDocumentCache } from '../documents';
import { describe, type OperationDescription } from '../reports';
import { compile } from './compile';
import type { Plan } from './plan';

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

/**
 * The compiled operations. They skip Apollo Server's pipeline and graphql-js's executor.
 *
 * Apollo Server executes each operation the first time. If it has parsed, validated and accepted the operation, the operation
 * is compiled, and found by the text of its document from then on. A plan checks the variables before it executes anything.
 * From then on it produces the complete response, errors included.
 */
export class FastPath {
  /** By the text of the document, then by the requested operation name. Null: the operation cannot be compiled. */
  readonly #documents = createDocumentCache<Map<string | null, CompiledOperation | null>>();

  /** Compiles what Apollo Server is about to execute, after every check that could have rejected it. */
  readonly plugin: ApolloServerPlugin<Context> = {
    requestDidStart: () =>
      Promise.resolve({
        executionDidStart: ({ source, request, document, operation }) => {
          // Apollo Server calls this even if the document does not contain the requested operation.
          if (operation !== undefined) this.#add(source, request.operationName ?? null, operation, document);
          return Promise.resolve();
        },
      }),
  };

  #add(query: string, name: string | null, operation: OperationDefinitionNode, document: DocumentNode): void {
    let operations = this.#documents.get(query);
    if (operations === undefined) {
      operations = new Map();
      this.#documents.set(query, operations);
    }
    if (operations.has(name)) return;
    const plan = compile(operation, document);
    operations.set(name, plan && { description: describe(operation), plan });
  }

  /** @returns null if the operation has not been compiled. */
  find({ query, operationName }: GraphQLRequest): CompiledOperation | null {
    return this.#documents.get(query)?.get(operationName ?? null) ?? null;
  }
}
