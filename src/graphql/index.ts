/** The public interface of the GraphQL layer. `http/` passes in a request that it has authenticated, and sends the result. */
export { withAuthorization } from './authorization';
export { type Arrival, type Context, createContext } from './context';
export { loadSchema } from './schema';
export type { RequestReport } from './reports';
export { createGraphQLServer, type GraphQLRequest, type GraphQLServer } from './server';
