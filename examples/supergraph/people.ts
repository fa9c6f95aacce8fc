import type { Emulator } from '../../src/emulator';
import type { Issuer } from './issuer';

/** The users that get a link to sign in. The seeded pool has more. */
const PEOPLE = [
  // WeChat under two types: one account in two rows.
  '6229ffa1c05e6bfcade3e3d1',
  '6229ffa1c05e6bfcade3e3d2',
  // Three sources.
  '6229ffa1c05e6bfcade3e3d8',
  // One account, which is the last way to sign in.
  '6229ffa1c05e6bfcade3e3da',
  // The same with two rows.
  '6229ffa1c05e6bfcade3e3db',
  // A source that was deleted.
  '6229ffa1c05e6bfcade3e3dc',
];
/** Has linked nothing, so that its page is empty. */
const OPERATOR = '6229ffa1c05e6bfcade3e3d4';
const OPERATOR_SCOPE = 'identity:read identity:unlink identity:link identity:sessions';
/** Unlinked by the printed mutation. */
const UNLINKED = { userId: '6229ffa1c05e6bfcade3e3d2', extIdpId: '62f20932716fbcc10d966ee7' };

/** Returns the lines that sign people in, and the commands to paste. */
export async function introducePeople({ store }: Emulator, issuer: Issuer, pageUrl: string): Promise<string[]> {
  const link = (token: string, text: string): string => `Sign in    ${pageUrl}#token=${token}   ${text}`;
  const people = await Promise.all(
    PEOPLE.map(async (userId) => {
      const sources = store
        .identitiesOf(userId)
        .map(({ extIdpId }) => store.extIdp(extIdpId)?.name ?? 'a deleted source');
      const name = store.user(userId)?.profile.name ?? userId;
      return link(await issuer.issue(userId), `${name}: ${[...new Set(sources)].join(', ')}`);
    }),
  );
  const operator = await issuer.issue(OPERATOR, OPERATOR_SCOPE);
  const caller = await issuer.issue(UNLINKED.userId);
  return [
    ...people,
    link(operator, 'Operator: may read and change all users'),
    curl(pageUrl, caller, '{ me { id name identities { id extIdpId label source { id name } unlinkBlockedBy } } }'),
    curl(
      pageUrl,
      caller,
      'mutation ($userId: ID!, $extIdpId: ID!) { unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success removed { id extIdpId label } user { id name identities { id extIdpId label } } } }',
      UNLINKED,
    ),
  ];
}

/** Returns a command on one line, which can be pasted into any POSIX shell. */
function curl(pageUrl: string, token: string, query: string, variables?: object): string {
  const body = JSON.stringify({ query, variables });
  return `curl -s ${pageUrl}graphql -H 'authorization: Bearer ${token}' -H 'content-type: application/json' -d '${body}'`;
}
