import type { AccessKey } from '../genauth/signature';
import type { ManagementTokens } from './managementToken';
import type { Store } from './store';
import type { Switches } from './switches';

/** The user pool that operations read and change. */
export interface UserPool {
  readonly id: string;
  readonly key: AccessKey;
  readonly store: Store;
  readonly switches: Switches;
  readonly tokens: ManagementTokens;
  /** Returns epoch milliseconds by the clock of the emulator. */
  readonly now: () => number;
}
