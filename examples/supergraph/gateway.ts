import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { composeServices } from '@apollo/composition';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError, parse } from 'graphql';

export interface GatewayContext {
  /** The headers that every subgraph gets. */
  forwarded: Readonly<Record<string, string>>;
}

export interface SubgraphSource {
  name: string;
  url: string;
  sdl: string;
  /** Default: none. Headers that only this subgraph gets. */
  headers?: Readonly<Record<string, string>>;
}

const FORWARDED = [
  ...['authorization', 'traceparent', 'x-request-id', 'x-audit-reason'],
  ...['apollographql-client-name', 'apollographql-client-version'],
];
/** Longer than REQUEST_DEADLINE_MS of the subgraph (10 s), which then still responds with the outcome. */
const TIMEOUT_MS = 15_000;

/** Composes the subgraphs, and creates a gateway in front of them. It sends every request of a subgraph once. */
export async function createGateway(subgraphs: readonly SubgraphSource[]): Promise<ApolloServer<GatewayContext>> {
  const { supergraphSdl, errors = [] } = composeServices(
    subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
  );
  if (supergraphSdl === undefined) {
    throw new Error(`the subgraphs do not compose: ${errors.map(({ message }) => message).join('; ')}`);
  }
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService: ({ name, url = '' }) =>
      new Subgraph(url, subgraphs.find((subgraph) => subgraph.name === name)?.headers ?? {}),
  });
  const server = new ApolloServer<GatewayContext>({
    gateway,
    introspection: true,
    includeStacktraceInErrorResponses: false,
    // Nothing leaves this machine, even if APOLLO_KEY is set: no reports, and no page with scripts of another origin.
    plugins: [ApolloServerPluginUsageReportingDisabled(), ApolloServerPluginLandingPageDisabled()],
    stopOnTerminationSignals: false,
  });
  await server.start();
  return server;
}

/** Returns the context of a request. Its id connects the log lines and the audit records of the subgraph with it. */
export function contextOf(headers: IncomingHttpHeaders): GatewayContext {
  const forwarded = FORWARDED.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return { forwarded: { 'x-request-id': randomUUID(), ...Object.fromEntries(forwarded) } };
}

class Subgraph extends RemoteGraphQLDataSource<GatewayContext> {
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    super({ url });
    this.#headers = headers;
    this.fetcher = (target, init) => fetchOnce(target, init as RequestInit);
  }

  override willSendRequest({ request, context }: Parameters<Required<RemoteGraphQLDataSource>['willSendRequest']>[0]) {
    const { forwarded = {} } = context as Partial<GatewayContext>;
    for (const [name, value] of Object.entries({ ...forwarded, ...this.#headers })) {
      request.http?.headers.set(name, value);
    }
  }

  /**
   * Returns the error in the body of a refusal, such as a 401. Clients see it inside HTTP 200. The default is an error with the
   * URL of the subgraph, and with the code INTERNAL_SERVER_ERROR.
   */
  override async errorFromResponse(response: { json(): Promise<unknown> }): Promise<GraphQLError> {
    const body = (await response.json().catch(() => null)) as { errors?: SubgraphError[] } | null;
    const [error] = body?.errors ?? [];
    return error === undefined
      ? unavailable()
      : new GraphQLError(error.message, { extensions: error.extensions ?? {} });
  }
}

interface SubgraphError {
  message: string;
  extensions?: Record<string, unknown>;
}

async function fetchOnce(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw unavailable();
  }
}

/** An error without an outcome: a mutation may or may not have been executed. */
function unavailable(): GraphQLError {
  return new GraphQLError('The subgraph did not respond', { extensions: { code: 'SUBGRAPH_UNAVAILABLE' } });
}
