import type { Identities } from '../identities';

/** What resolvers work with: made for one request, gone with it. */
export interface Context {
  identities: Identities;
}

/** A user as a reference: its key is all that this subgraph holds of it. */
export interface UserReference {
  __typename: 'User';
  id: string;
}
