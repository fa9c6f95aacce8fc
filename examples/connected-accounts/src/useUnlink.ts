import { gql, type TypedDocumentNode } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { useState } from 'react';
import { ConnectedAccountsDocument, judgeUnlink, settleUnlink, UnlinkIdentityDocument } from '../../../src/client';
import type { TypedText } from '../../../src/client';
import type { Account } from './accounts';
import { describe, type Outcome, type Result } from './results';

export const CONNECTED_ACCOUNTS = toDocument(ConnectedAccountsDocument);
const UNLINK = toDocument(UnlinkIdentityDocument);

/** The payload that is assumed until the response arrives. */
const ASSUMED = {
  __typename: 'UnlinkIdentityPayload',
  ...{ success: true, requestId: null, apiCode: null, operationId: null, removed: null, user: null },
} as const;

/** Pauses before the reads that settle an unknown outcome: a request whose response was lost may still be running. */
const CHECK_AFTER_MS = [1000, 2500];

function toDocument<Data, Variables>(text: TypedText<Data, Variables>): TypedDocumentNode<Data, Variables> {
  return gql(text);
}

/**
 * Disconnects accounts, and keeps what the person is told about each of them.
 *
 * @param readAgain Called when the page may be out of date.
 */
export function useUnlink(userId: string | undefined, readAgain: () => void) {
  const client = useApolloClient();
  const [results, setResults] = useState<ReadonlyMap<string, Result & { account: Account }>>(new Map());

  /** Shows the newest result first. It replaces what was said about the same account, and earlier successes. */
  function tell(account: Account, result: Result): void {
    setResults((earlier) => {
      const others = [...earlier].filter(([key, { tone }]) => key !== account.key && tone !== 'good');
      return new Map([[account.key, { ...result, account }], ...others]);
    });
  }

  async function unlink(account: Account): Promise<void> {
    const { extIdpId, name } = account;
    if (userId === undefined || extIdpId === null) return;
    tell(account, { tone: 'busy', text: `Disconnecting ${name}…` });
    const mutation = client.mutate({
      mutation: UNLINK,
      variables: { userId, extIdpId },
      // A payload is final, also with errors beside it.
      errorPolicy: 'all',
      // The account disappears at once. It returns if no payload confirms the unlink.
      optimisticResponse: { unlinkIdentity: ASSUMED },
      update(cache, { data }) {
        if (data?.unlinkIdentity?.success !== true) return;
        cache.modify<{ identities: readonly { extIdpId: string | null }[] | null }>({
          id: cache.identify({ __typename: 'User', id: userId }) ?? '',
          fields: {
            identities: (rows, { readField }) => rows?.filter((row) => readField('extIdpId', row) !== extIdpId) ?? null,
          },
        });
      },
    });
    const judgement = judgeUnlink(await mutation.catch((error: unknown) => error));
    if (judgement.kind === 'unknown') return check(account);
    tell(account, describe(judgement, name));
    // Neither the user in a payload nor a transient failure says that the page is out of date. Everything else does.
    const isTransient = judgement.kind === 'notExecuted' && judgement.retryAfterMs !== undefined;
    const isCurrent = judgement.kind === 'unlinked' && judgement.user !== null;
    if (!isTransient && !isCurrent) readAgain();
  }

  /** Settles an unknown outcome by reads. Only the last of them can show that the account is still connected. */
  async function check(account: Account): Promise<void> {
    tell(account, { tone: 'busy', text: `${account.name}: checking what happened…` });
    let outcome: Outcome = { kind: 'unknown' };
    for (const pauseMs of CHECK_AFTER_MS) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const read = client.query({ query: CONNECTED_ACCOUNTS, fetchPolicy: 'network-only', errorPolicy: 'all' });
      const { data } = await read.catch(() => ({ data: undefined }));
      outcome = settleUnlink(data?.me?.identities, { extIdpId: account.key });
      if (outcome.kind === 'unlinked') break;
    }
    tell(account, describe(outcome, account.name));
  }

  return { results, unlink, check };
}
