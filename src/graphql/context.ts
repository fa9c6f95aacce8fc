import type { ManagementClient } from '../genauth';
import { type Directory, Identities, type Unlinks } from '../identities';

/** What resolvers work with: made for one request, gone with it. */
export interface Context {
  identities: Identities;
}

export interface ContextOptions {
  management: ManagementClient;
  directory: Directory;
  unlinks: Unlinks;
  /** Milliseconds for the whole request. */
  requestDeadlineMs: number;
}

/** A user as a reference: its key is all that this subgraph holds of it. */
export interface UserReference {
  __typename: 'User';
  id: string;
}

/** Makes the context of one request. The request's time starts to run here. */
export function createContext({ management, directory, unlinks, requestDeadlineMs }: ContextOptions): Context {
  // A caller who leaves is not a reason to stop: an unlink that was sent has to be seen through.
  const deadline = AbortSignal.timeout(requestDeadlineMs);
  return { identities: new Identities({ management, directory, unlinks, deadline }) };
}
