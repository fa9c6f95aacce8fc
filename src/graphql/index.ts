/** The door to GraphQL: whoever has authenticated a request hands it in here, and gets what to send back. */
export { type Arrival, type Context, createContext } from './context';
export { createGraphQLServer, type GraphQLRequest, type GraphQLServer } from './server';
