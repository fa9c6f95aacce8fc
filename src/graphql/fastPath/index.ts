import { type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import type { OperationDefinitionNode } from 'graphql';
import type { Context } from '../context';
import { fragmentsOf } from '../fragments';
import { compileEntities, type Plan } from './entities';

/** Answers that are text already, by the `data` that stands for them. */
const texts = new WeakMap<object, string>();

/**
 * Answers the operations that routers send without graphql-js's executor: each is compiled once, and its answer is written
 * as text instead of being built and then written. Everything else, and every answer with an error in it, is graphql-js's.
 *
 * Reads only. A write is never begun here, so that it can never be begun twice.
 */
export function fastPath(): ApolloServerPlugin<Context> {
  // Held by Apollo's document store, which is bounded; forgotten with it.
  const plans = new WeakMap<OperationDefinitionNode, { plan: Plan | null }>();
  return {
    requestDidStart: () =>
      Promise.resolve({
        async responseForOperation({ operation, document, request, contextValue, metrics }) {
          // Apollo comes here even where the document does not have the operation that is asked for.
          if (!(operation as OperationDefinitionNode | undefined)) return null;
          // To be told how long each field takes, graphql-js has to run them.
          if (metrics.captureTraces === true) return null;
          let known = plans.get(operation);
          if (known === undefined) {
            known = { plan: compileEntities(operation, fragmentsOf(document)) };
            plans.set(operation, known);
          }
          const text = known.plan && (await known.plan(request.variables ?? {}, contextValue.identities));
          if (text === null) return null;
          const data = {};
          texts.set(data, text);
          return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { data } } };
        },
      }),
  };
}

/** Writes an answer, whoever made it. */
export function stringifyResult(result: { data?: unknown }): string {
  const text = typeof result.data === 'object' && result.data !== null ? texts.get(result.data) : undefined;
  return text === undefined ? JSON.stringify(result) : `{"data":${text}}`;
}
