import { ApolloServer, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import type { IncomingHttpHeaders } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Context } from './context';
import { createDocumentStore } from './documents';
import { createFormatError, createFormatFieldError, type FormatError } from './errors';
import { FastPath, type GraphQLRequest, type PreparedOperation } from './fastPath';
import { reportTimings, requestsTimings } from './fieldTimings';
import { limitDocument, type Limits, limitVariables } from './limits';
import { reportRequests, type RequestReport, summarize, toReport } from './reports';
import { refuseLargeResponses } from './responseSize';
import { loadSchema } from './schema';

export interface GraphQLServerOptions extends Limits {
  /** Whether introspection is allowed. `_service { sdl }` is allowed in any case. */
  introspection: boolean;
  /** Called with an error that has no translation. The caller receives no details of it. */
  onUnexpectedError: (error: unknown) => void;
  onRequest: (report: RequestReport, context: Context) => void;
  /** Whether Apollo's routers may request the timings of fields (`ftv1`). */
  inlineTrace: boolean;
  /** `fast` compiles the operations of routers. `graphql-js` executes all operations with the reference implementation. */
  executor: 'fast' | 'graphql-js';
}

export type { GraphQLRequest };

/** An HTTP request whose body has the form of a GraphQL request. */
export interface HttpRequest {
  headers: IncomingHttpHeaders;
  body: GraphQLRequest;
}

export interface HttpAnswer {
  status: number;
  headers: Iterable<readonly [name: string, value: string]>;
  /** JSON. A buffer contains UTF-8. */
  body: string | Buffer;
}

/** Executes GraphQL requests. */
export interface GraphQLServer {
  start(): Promise<void>;
  stop(): Promise<void>;
  answer(request: HttpRequest, context: Context): Promise<HttpAnswer>;
}

/** Creates the GraphQL server without starting it. */
export function createGraphQLServer(options: GraphQLServerOptions): GraphQLServer {
  const fastPath = options.executor === 'fast' ? new FastPath() : null;
  const formatError = createFormatError(options.onUnexpectedError);
  const formatFieldError = createFormatFieldError(formatError);
  const apollo = createApolloServer(options, formatError, fastPath);
  // The content type that Apollo Server chose for an `Accept` header. There are few different headers.
  const contentTypes = new LRUCache<string, string>({
    max: 100,
    maxSize: 20_000,
    sizeCalculation: (_, accept) => accept.length + 1,
  });

  function answer(request: HttpRequest, context: Context): Promise<HttpAnswer> {
    const { headers, body } = request;
    // A name in a document cannot be escaped, so that a document without this text does not select the field.
    context.identities.selectsProfiles = body.query.includes('userInfoInIdp');
    context.identities.selectsLabels = body.query.includes('label');
    const contentType = contentTypes.get(headers.accept ?? '');
    const isTraced = options.inlineTrace && requestsTimings((name) => headers[name]);
    const prepared = contentType === undefined || isTraced ? null : (fastPath?.prepare(body, context) ?? null);
    return contentType === undefined || prepared === null
      ? answerByApollo(request, context)
      : answerByPlan(prepared, contentType, context);
  }

  async function answerByPlan(
    { description, execute }: PreparedOperation,
    contentType: string,
    context: Context,
  ): Promise<HttpAnswer> {
    const { status, body, errors, hasValue } = await execute(context.identities, formatFieldError);
    const result = summarize({ errors, hasValue, isExecuted: status === 200 });
    options.onRequest(toReport(description, result, context), context);
    return { status, headers: [['content-type', contentType]], body };
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
    if (content.kind !== 'complete') throw new Error('a response in parts, although the schema has no @defer');
    const contentType = sent.get('content-type') ?? 'application/json; charset=utf-8';
    if (status === 200) contentTypes.set(headers.accept ?? '', contentType);
    const accepted = fastPath?.accepted(context) ?? null;
    return accepted === null
      ? { status, headers: sent, body: content.string }
      : answerByPlan(accepted, contentType, context);
  }

  return {
    start: () => apollo.start(),
    stop: () => apollo.stop(),
    answer,
  };
}

/** Tokens in one document. A document of 1 000 aliased fields has about 10 000. */
const MAX_TOKENS = 15_000;

/** Creates Apollo Server. No option depends on `NODE_ENV` or on Apollo's variables: all that affect security are set here. */
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
    // Apollo's default adds a line break at the end.
    stringifyResult: (result) => JSON.stringify(result),
    parseOptions: { maxTokens: MAX_TOKENS },
    documentStore: createDocumentStore(),
    validationRules: [limitDocument({ maxMutationFields })],
    // `limitDocument` counts selections. With Apollo's own rule it would run after all others, and protect none of them.
    maxRecursiveSelections: false,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    csrfPrevention: true,
    // Apollo's default stops at once, and loses the responses of mutations in progress. `main.ts` handles the signals.
    stopOnTerminationSignals: false,
    logger: SILENT,
    plugins: [
      limitVariables(options),
      ...(fastPath === null ? [] : [fastPath.plugin(({ isTraced }) => isTraced)]),
      refuseLargeResponses(),
      reportRequests(onRequest, (context) => (fastPath?.accepted(context) ?? null) !== null),
      ApolloServerPluginLandingPageDisabled(),
      // It takes a third of the throughput, for hints that routers ignore on personal data.
      ApolloServerPluginCacheControlDisabled(),
      options.inlineTrace ? reportTimings() : ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
    ],
  });
}

/** Apollo logs the messages of errors, which may contain personal data. `onUnexpectedError` reports errors instead. */
const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };
