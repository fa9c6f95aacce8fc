import type { AccessKey } from '../genauth/signature';
import type { ManagementTokens } from './managementToken';
import type { Store } from './store';
import type { Switches } from './switches';

/** The one user pool that operations work on. */
export interface UserPool {
  readonly id: string;
  readonly key: AccessKey;
  readonly store: Store;
  readonly switches: Switches;
  readonly tokens: ManagementTokens;
  /** Epoch milliseconds of the service's clock. */
  readonly now: () => number;
}
