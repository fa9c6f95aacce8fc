import { ApolloServer, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloServerPluginInlineTrace } from '@apollo/server/plugin/inlineTrace';
import type { IncomingHttpHeaders } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Context } from './context';
import { createDocumentStore } from './documents';
import { createFormatError, createFormatFieldError, type FormatError } from './errors';
import { FastPath, type GraphQLRequest } from './fastPath';
import { limitDocument, type Limits, limitVariables } from './limits';
import { reportRequests, type RequestReport, summarize, toReport } from './reports';
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

export type { GraphQLRequest };

/** A request as it came over HTTP, its body in form a GraphQL request. */
export interface HttpRequest {
  headers: IncomingHttpHeaders;
  body: GraphQLRequest;
}

export interface HttpAnswer {
  status: number;
  headers: Iterable<readonly [name: string, value: string]>;
  /** JSON, in UTF-8 where it is bytes. */
  body: string | Buffer;
}

/** Answers GraphQL requests. */
export interface GraphQLServer {
  start(): Promise<void>;
  stop(): Promise<void>;
  answer(request: HttpRequest, context: Context): Promise<HttpAnswer>;
}

/** How an Apollo router asks to be told how long each field took: graphql-js has to run them for that. */
const TRACE_HEADER = 'apollo-federation-include-trace';

/** Makes the GraphQL server, not started. */
export function createGraphQLServer(options: GraphQLServerOptions): GraphQLServer {
  const fastPath = options.executor === 'fast' ? new FastPath() : null;
  const formatError = createFormatError(options.onUnexpectedError);
  const formatFieldError = createFormatFieldError(formatError);
  const apollo = createApolloServer(options, formatError, fastPath);
  // What Apollo Server answers with to whoever sends such a header: there are as many as there are kinds of clients.
  const contentTypes = new LRUCache<string, string>({
    max: 100,
    maxSize: 20_000,
    sizeCalculation: (_, accept) => accept.length + 1,
  });

  async function answer(request: HttpRequest, context: Context): Promise<HttpAnswer> {
    const { headers } = request;
    const contentType = contentTypes.get(headers.accept ?? '');
    const compiled = fastPath?.find(request.body) ?? null;
    if (contentType === undefined || compiled === null || headers[TRACE_HEADER] !== undefined) {
      return answerByApollo(request, context);
    }
    const execute = compiled.plan(request.body.variables ?? {});
    if (execute === null) return answerByApollo(request, context);
    const response = await execute(context.identities, formatFieldError);
    const result = summarize({ ...response, isExecuted: true });
    options.onRequest(toReport(compiled.description, result, context), context);
    const body = response.body ?? '';
    // Decision 0015.
    response.body = null;
    return { status: 200, headers: [['content-type', contentType]], body };
  }

  async function answerByApollo({ headers, body }: HttpRequest, context: Context): Promise<HttpAnswer> {
    const head = new HeaderMap();
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) head.set(name, Array.isArray(value) ? value.join(', ') : value);
    }
    const {
      status = 200,
      headers: sent,
      body: content,
    } = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: 'POST', headers: head, search: '', body },
      context: () => Promise.resolve(context),
    });
    if (content.kind !== 'complete') throw new Error('an answer in parts, which the schema has nothing for');
    const contentType = sent.get('content-type');
    if (status === 200 && contentType !== undefined) contentTypes.set(headers.accept ?? '', contentType);
    return { status, headers: sent, body: content.string };
  }

  return {
    start: () => apollo.start(),
    stop: () => apollo.stop(),
    answer,
  };
}

/** Tokens in one document. A document of 1 000 aliased fields has about 10 000. */
const MAX_TOKENS = 15_000;

/**
 * Nothing is left to a default that depends on `NODE_ENV` or on Apollo's variables: every option with a say in what strangers
 * can see or do is set here.
 */
function createApolloServer(
  options: GraphQLServerOptions,
  formatError: FormatError,
  fastPath: FastPath | null,
): ApolloServer<Context> {
  const { introspection, maxMutationFields, onRequest } = options;
  return new ApolloServer<Context>({
    schema: loadSchema(),
    introspection,
    hideSchemaDetailsFromClientErrors: !introspection,
    includeStacktraceInErrorResponses: false,
    formatError,
    // Apollo's own ends the answer with a new line.
    stringifyResult: (result) => JSON.stringify(result),
    parseOptions: { maxTokens: MAX_TOKENS },
    documentStore: createDocumentStore(),
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
      limitVariables(),
      ...(fastPath === null ? [] : [fastPath.plugin]),
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
