import type { ApolloServerPlugin } from '@apollo/server';
import { type GraphQLFormattedError, Kind, type OperationDefinitionNode } from 'graphql';
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
    requestDidStart: () =>
      Promise.resolve({
        willSendResponse({ operation, contextValue, response: { body, http } }) {
          if (body.kind !== 'single') return Promise.resolve();
          const { data, errors = [] } = body.singleResult;
          const isExecuted = http.status === undefined || http.status < 400;
          const hasValue = Object.values(data ?? {}).some((value) => value !== null);
          const result = summarize({ errors, isExecuted, hasValue });
          onRequest(toReport(describe(operation), result, contextValue), contextValue);
          return Promise.resolve();
        },
      }),
  };
}

/** What an operation is, as reports have it. */
export type OperationDescription = Pick<RequestReport, 'operation' | 'operationName'>;

export function describe(operation: OperationDefinitionNode | undefined): OperationDescription {
  return { operation: kindOf(operation), operationName: operation?.name?.value.slice(0, MAX_NAME) ?? null };
}

export function toReport(
  { operation, operationName }: OperationDescription,
  { outcome, codes }: Pick<RequestReport, 'outcome' | 'codes'>,
  { requestId, traceId, startedAt, identities }: Context,
): RequestReport {
  const ms = performance.now() - startedAt;
  return { requestId, traceId, operation, operationName, outcome, codes, ms, calls: identities.calls };
}

/** Returns how a request went. @param response.hasValue Whether a root field has a value other than null. */
export function summarize(response: {
  errors: readonly GraphQLFormattedError[];
  isExecuted: boolean;
  hasValue: boolean;
}): Pick<RequestReport, 'outcome' | 'codes'> {
  const { errors, isExecuted, hasValue } = response;
  const codes = [...new Set(errors.map(({ extensions }) => String(extensions?.['code'])))];
  if (errors.length === 0) return { outcome: 'ok', codes };
  if (!isExecuted) return { outcome: 'refused', codes };
  return { outcome: hasValue ? 'partial' : 'error', codes };
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
