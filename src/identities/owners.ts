import DataLoader from 'dataloader';
import type { Deadline } from '../deadline';
import {
  isContentFault,
  MAX_BATCH,
  type ManagementClient,
  ManagementRefusedError,
  type SourceAccount,
  toAccountName,
} from '../genauth';
import type { UserResult } from './batch';

export interface OwnersOptions {
  management: Pick<ManagementClient, 'getOwners'>;
  deadline: Deadline;
  /** Called before each call to GenAuth. */
  onCall: () => void;
}

/** Finds the owners of accounts for one request: up to 50 accounts with one call, of whichever sources and fields. */
export class Owners {
  readonly #options: OwnersOptions;
  readonly #loader: DataLoader<SourceAccount, UserResult, string>;

  constructor(options: OwnersOptions) {
    this.#options = options;
    this.#loader = new DataLoader<SourceAccount, UserResult, string>((accounts) => this.#read(accounts), {
      maxBatchSize: MAX_BATCH,
      cacheKeyFn: toAccountName,
    });
  }

  /** @returns For each account its owner, null if it has none, or the error of this account. */
  find(accounts: readonly SourceAccount[]): Promise<(UserResult | Error)[]> {
    return this.#loader.loadMany(accounts);
  }

  async #read(accounts: readonly SourceAccount[]): Promise<(UserResult | Error)[]> {
    const { management, deadline, onCall } = this.#options;
    onCall();
    try {
      return await management.getOwners(accounts, deadline);
    } catch (error) {
      const isUnknown = error instanceof ManagementRefusedError && error.isUserUnknown;
      if (accounts.length === 1 && isUnknown) return [null];
      // One account without an owner, or one large owner, can be enough for a batch to fail because of its content.
      if (!isContentFault(error) || accounts.length === 1) return accounts.map(() => error as Error);
      return (await Promise.all(accounts.map((account) => this.#read([account])))).flat();
    }
  }
}
