/** The door to GraphQL: whoever has authenticated a request hands it in here, and gets what to send back. */
export { withAuthorization } from './authorization';
export { type Arrival, type Context, createContext } from './context';
export type { RequestReport } from './reports';
export { loadSchema } from './schema';
export { createGraphQLServer, type GraphQLRequest, type GraphQLServer } from './server';
