import type { ApolloServerPlugin } from '@apollo/server';
import { Kind, type OperationDefinitionNode } from 'graphql';
import type { Context } from './context';

/** How a GraphQL request went, in words that may be logged: none of it is what a stranger wrote, but for a name. */
export interface RequestReport {
  requestId: string;
  traceId: string | null;
  /** What it asks for, of a closed set. */
  operation: 'entities' | 'unlink' | 'service' | 'other';
  /** A GraphQL name of at most 64 characters, or null. */
  operationName: string | null;
  /** `ok`; `partial`: data beside errors; `error`: errors alone; `refused`: not executed. */
  outcome: 'ok' | 'partial' | 'error' | 'refused';
  /** Codes of its errors, each once. */
  codes: readonly string[];
  ms: number;
  /** Calls to GenAuth that it had a part in. */
  calls: number;
}

const MAX_NAME = 64;

/** Reports every request that GraphQL has answered. */
export function reportRequests(
  onRequest: (report: RequestReport, context: Context) => void,
): ApolloServerPlugin<Context> {
  return {
    requestDidStart: ({ contextValue }) => {
      const start = performance.now();
      return Promise.resolve({
        willSendResponse({ operation, response: { body, http } }) {
          if (body.kind !== 'single') return Promise.resolve();
          const { data, errors = [] } = body.singleResult;
          const { requestId, traceId, identities } = contextValue;
          const report: RequestReport = {
            requestId,
            traceId,
            operation: kindOf(operation),
            operationName: operation?.name?.value.slice(0, MAX_NAME) ?? null,
            outcome: outcomeOf(errors.length, http.status, data),
            codes: [...new Set(errors.map(({ extensions }) => String(extensions?.['code'])))],
            ms: performance.now() - start,
            calls: identities.calls,
          };
          onRequest(report, contextValue);
          return Promise.resolve();
        },
      });
    },
  };
}

function outcomeOf(errors: number, status: number | undefined, data: unknown): RequestReport['outcome'] {
  if (errors === 0) return 'ok';
  if (status !== undefined && status >= 400) return 'refused';
  return Object.values(data ?? {}).some((value) => value !== null) ? 'partial' : 'error';
}

function kindOf(operation: OperationDefinitionNode | undefined): RequestReport['operation'] {
  if (operation === undefined) return 'other';
  const fields = new Set(
    operation.selectionSet.selections.map((selection) => (selection.kind === Kind.FIELD ? selection.name.value : '')),
  );
  if (fields.has('unlinkIdentity')) return 'unlink';
  if (fields.has('_entities')) return 'entities';
  return fields.has('_service') ? 'service' : 'other';
}
