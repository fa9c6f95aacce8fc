import type { ApolloServerPlugin } from '@apollo/server';
import { type GraphQLFormattedError, Kind, type OperationDefinitionNode } from 'graphql';
import type { Context } from './context';

/** How a GraphQL request went. Everything in it may be logged: only the operation name comes from the request. */
export interface RequestReport {
  requestId: string;
  traceId: string | null;
  /** The kind of operation. */
  operation: 'entities' | 'unlink' | 'link' | 'sessions' | 'service' | 'other';
  /** A GraphQL name of at most 64 characters, or null. */
  operationName: string | null;
  /** `ok`; `partial`: data and errors; `error`: errors without data; `rejected`: not executed. */
  outcome: 'ok' | 'partial' | 'error' | 'rejected';
  /** The distinct codes of its errors. */
  codes: readonly string[];
  ms: number;
  /** The number of calls to GenAuth that it took part in. Other requests may share them. */
  calls: number;
  /** Identifies the audit records of the mutation; null if there are none. */
  operationId: string | null;
}

const MAX_NAME = 64;

/**
 * Reports the requests to which Apollo Server responds.
 *
 * @param isPlaceholder Whether a plan responds instead.
 */
export function reportRequests(
  onRequest: (report: RequestReport, context: Context) => void,
  isPlaceholder: (context: Context) => boolean,
): ApolloServerPlugin<Context> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        willSendResponse({ operation, contextValue, response: { body, http } }) {
          if (body.kind !== 'single' || isPlaceholder(contextValue)) return Promise.resolve();
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

/** The part of a report that describes the operation. */
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
  const { calls, operationId } = identities;
  return { requestId, traceId, operation, operationName, outcome, codes, ms, calls, operationId };
}

const OK = { outcome: 'ok', codes: [] } as const;

/** Returns how a request went. @param response.hasValue Whether a root field has a value other than null. */
export function summarize(response: {
  errors: readonly GraphQLFormattedError[];
  isExecuted: boolean;
  hasValue: boolean;
}): Pick<RequestReport, 'outcome' | 'codes'> {
  const { errors, isExecuted, hasValue } = response;
  if (errors.length === 0) return OK;
  const codes = [...new Set(errors.map(({ extensions }) => String(extensions?.['code'])))];
  if (!isExecuted) return { outcome: 'rejected', codes };
  return { outcome: hasValue ? 'partial' : 'error', codes };
}

function kindOf(operation: OperationDefinitionNode | undefined): RequestReport['operation'] {
  if (operation === undefined) return 'other';
  const fields = new Set(
    operation.selectionSet.selections.map((selection) => (selection.kind === Kind.FIELD ? selection.name.value : '')),
  );
  if (fields.has('unlinkIdentity')) return 'unlink';
  if (fields.has('linkIdentity')) return 'link';
  if (fields.has('revokeSessions')) return 'sessions';
  if (fields.has('_entities')) return 'entities';
  return fields.has('_service') ? 'service' : 'other';
}
