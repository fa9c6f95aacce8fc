import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloServerPluginInlineTrace } from '@apollo/server/plugin/inlineTrace';
import type { Context } from './context';
import { createFormatError } from './errors';
import { fastPath, stringifyResult } from './fastPath';
import { limitDocument, type Limits, limitVariables } from './limits';
import { reportRequests, type RequestReport } from './reports';
import { loadSchema } from './schema';

export interface GraphQLServerOptions extends Limits {
  /** Whether the schema may be asked for. `_service { sdl }` answers in any case. */
  introspection: boolean;
  /** Called with an error that nobody foresaw; the caller is told nothing of it. */
  onUnexpectedError: (error: unknown) => void;
  onRequest: (report: RequestReport, context: Context) => void;
  /** Whether whoever asks is shown how long each field took, in the way of Apollo's routers (`ftv1`). */
  inlineTrace: boolean;
  /** `fast` compiles what routers send; `graphql-js` executes everything as the reference implementation does. */
  executor: 'fast' | 'graphql-js';
}

/** Tokens in one document. A document of 1 000 aliased fields has about 10 000. */
const MAX_TOKENS = 15_000;

/**
 * Makes the GraphQL server, not started. Nothing is left to a default that depends on `NODE_ENV` or on Apollo's variables:
 * every option with a say in what strangers can see or do is set here.
 */
export function createGraphQLServer(options: GraphQLServerOptions): ApolloServer<Context> {
  const { introspection, maxMutationFields, onRequest, onUnexpectedError } = options;
  return new ApolloServer<Context>({
    schema: loadSchema(),
    introspection,
    hideSchemaDetailsFromClientErrors: !introspection,
    includeStacktraceInErrorResponses: false,
    formatError: createFormatError(onUnexpectedError),
    stringifyResult,
    parseOptions: { maxTokens: MAX_TOKENS },
    validationRules: [limitDocument({ maxMutationFields })],
    // `limitDocument` counts selections. With Apollo's own rule it would run after all others, and keep nothing from them.
    maxRecursiveSelections: false,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    csrfPrevention: true,
    // Apollo's own way out loses mutations that were executed (reliability.md, section 0.1): `main.ts` has the say.
    stopOnTerminationSignals: false,
    logger: SILENT,
    plugins: [
      ...(options.executor === 'fast' ? [fastPath()] : []),
      limitVariables(),
      reportRequests(onRequest),
      ApolloServerPluginLandingPageDisabled(),
      // Costs a third of the throughput, for hints that routers ignore on personal data.
      ApolloServerPluginCacheControlDisabled(),
      options.inlineTrace
        ? ApolloServerPluginInlineTrace({ includeErrors: { masked: true } })
        : ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
    ],
  });
}

/** Apollo logs the text of errors, which is what `onUnexpectedError` decides about. */
const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };
