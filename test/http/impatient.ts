import http, { type Server } from 'node:http';
import { type Stack, startStack } from '../support/stack';

const createServer = http.createServer.bind(http) as (...args: unknown[]) => Server;

interface StackWithServer {
  stack: Stack;
  /** The HTTP server of the GraphQL listener. */
  server: Server;
  /** The options that the listener gave it. */
  given: http.ServerOptions;
}

/** Starts a stack whose GraphQL listener has other server options. */
export async function startWith(changes: http.ServerOptions): Promise<StackWithServer> {
  let server: Server | undefined;
  let given: http.ServerOptions = {};
  const spy = jest.spyOn(http, 'createServer').mockImplementation((...args: unknown[]) => {
    const [options] = args;
    const isGraphQL = typeof options === 'object' && options !== null && 'headersTimeout' in options;
    if (!isGraphQL) return createServer(...args);
    given = options as http.ServerOptions;
    server = createServer({ ...given, ...changes }, ...args.slice(1));
    return server;
  });
  const stack = await startStack().finally(() => spy.mockRestore());
  if (server === undefined) throw new Error('the GraphQL listener has no HTTP server');
  return { stack, server, given };
}

/** Starts a stack whose GraphQL listener waits 100 ms for a request to arrive. */
export async function startImpatient(): Promise<StackWithServer> {
  const started = await startWith({ connectionsCheckingInterval: 20 });
  started.server.headersTimeout = 100;
  started.server.requestTimeout = 100;
  return started;
}
