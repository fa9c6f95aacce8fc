/** The public interface of the GraphQL layer. `http/` passes in a request that it has authenticated, and sends the result. */
export { toApiSdl } from './apiSchema';
export { withAuthorization } from './authorization';
export { type Arrival, type Context, createContext } from './context';
export { loadSchema, loadTypeDefs } from './schema';
export type { RequestReport } from './reports';
export { createGraphQLServer, type GraphQLRequest, type GraphQLServer, type HttpAnswer } from './server';
