import { composeServices as composeWithApollo } from '@apollo/composition';
import { composeServices as composeWithGuild } from '@theguild/federation-composition';
import { federateSubgraphs } from '@wundergraph/composition';
import { parse } from 'graphql';

export interface Subgraph {
  name: string;
  url: string;
  sdl: string;
}

/** The result of a composition. `supergraph` is null if there are errors, or if the composer does not print it. */
export interface Composition {
  supergraph: string | null;
  errors: readonly string[];
}

/** The composers of the common routers. Each interprets the federation specification in its own way. */
export const COMPOSERS: Readonly<Record<string, (subgraphs: readonly Subgraph[]) => Composition>> = {
  '@apollo/composition': (subgraphs) => {
    const result = composeWithApollo(subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })));
    return { supergraph: result.supergraphSdl ?? null, errors: (result.errors ?? []).map(({ message }) => message) };
  },
  '@theguild/federation-composition': (subgraphs) => {
    const result = composeWithGuild(subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })));
    return { supergraph: result.supergraphSdl ?? null, errors: (result.errors ?? []).map(({ message }) => message) };
  },
  '@wundergraph/composition': (subgraphs) => {
    const result = federateSubgraphs({
      subgraphs: subgraphs.map(({ name, url, sdl }) => ({ name, url, definitions: parse(sdl) })),
      version: '1',
    });
    return { supergraph: null, errors: result.success ? [] : result.errors.map(({ message }) => message) };
  },
};

/** A minimal subgraph that owns `User`. */
export const USERS_SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])

  type User @key(fields: "id") {
    id: ID!
    name: String
  }

  type Query {
    me: User
    user(id: ID!): User
    users(first: Int!): [User!]!
  }
`;
