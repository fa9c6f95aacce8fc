import type { ApolloServerPlugin } from '@apollo/server';
import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import type { Context } from '../context';
import { createDocumentCache } from '../documents';
import { describe, type OperationDescription } from '../reports';
import { compile } from './compile';
import type { Plan } from './plan';

export type { Written } from './plan';

/** A request as it came, in form a GraphQL request. */
export interface GraphQLRequest {
  query: string;
  operationName?: string | null;
  variables?: Readonly<Record<string, unknown>> | null;
}

/** An operation that Apollo Server let through, and how to answer it. */
interface Known {
  description: OperationDescription;
  plan: Plan;
}

/**
 * Answers the operations that routers send past Apollo Server's pipeline and graphql-js's executor. An operation takes the
 * long way once: what Apollo Server has parsed, validated and let through is compiled, and known by its text from then on.
 * Everything that is not known, and every answer with an error in it, is Apollo Server's.
 */
export class FastPath {
  /** By the text of the document, then by the name that was asked for. A document has as many entries as operations. */
  readonly #documents = createDocumentCache<Map<string | null, Known | null>>();

  /** Learns from what Apollo Server executes, after all that could have refused it. */
  readonly plugin: ApolloServerPlugin<Context> = {
    requestDidStart: () =>
      Promise.resolve({
        executionDidStart: ({ source, request, document, operation }) => {
          // Apollo Server comes here even where the document does not have the operation that is asked for.
          if (operation !== undefined) this.#learn(source, request.operationName ?? null, operation, document);
          return Promise.resolve();
        },
      }),
  };

  #learn(query: string, name: string | null, operation: OperationDefinitionNode, document: DocumentNode): void {
    let known = this.#documents.get(query);
    if (known === undefined) {
      known = new Map();
      this.#documents.set(query, known);
    }
    if (known.has(name)) return;
    const plan = compile(operation, document);
    known.set(name, plan && { description: describe(operation), plan });
  }

  /** @returns null where it is not known how to answer it. */
  find({ query, operationName }: GraphQLRequest): Known | null {
    return this.#documents.get(query)?.get(operationName ?? null) ?? null;
  }
}
