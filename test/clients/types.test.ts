import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWith } from '../support/optional';
import { ROOT } from '../support/process';
import { writeSnippets } from './snippets';

const CLIENT = join(ROOT, 'dist/client/index.js');

/** Each line with a wrong type follows the comment by which the compiler expects one. */
const USES = `
import type { ApolloClient } from '@apollo/client';
import { typePolicies, ConnectedAccountsDocument, IdentityUsersDocument, judgeUnlink } from '${CLIENT}';
import { InMemoryCache } from '@apollo/client';
import type { GraphQLClient } from 'graphql-request';
import type { Client } from 'urql';
import { typed } from './typed.js';

export const cache = new InMemoryCache({ typePolicies });
export async function use(apollo: ApolloClient, urql: Client, graphqlRequest: GraphQLClient) {
  const first = await apollo.query({ query: typed(IdentityUsersDocument), variables: { ids: ['one'] } });
  const second = await urql.query(ConnectedAccountsDocument, {});
  const third = await graphqlRequest.request(IdentityUsersDocument, { ids: ['one'] });
  const labels: (string | null | undefined)[] = [
    first.data?.identityUsers[0]?.identities?.[0]?.label,
    second.data?.me?.identities?.[0]?.label,
    third.identityUsers[0]?.identities?.[0]?.label,
  ];
  // @ts-expect-error
  first.data?.identityUsers[0]?.nothing;
  // @ts-expect-error
  second.data?.me?.nothing;
  // @ts-expect-error
  third.identityUsers[0]?.nothing;
  return labels;
}
export function tell(result: unknown): string {
  const judgement = judgeUnlink(result);
  switch (judgement.kind) {
    case 'unlinked':
      return String(judgement.removed?.length);
    case 'notExecuted':
      // @ts-expect-error
      return judgement.code === 'NO_SUCH_CODE' ? '' : String(judgement.retryAfterMs);
    case 'refused':
    case 'stillLinked':
    case 'unknown':
      return judgement.kind;
  }
}
`;

describeWith(existsSync(join(__dirname, 'node_modules')))('the package (needs npm ci in test/clients)', () => {
  test('gives the clients the types of data and variables', () => {
    const folder = writeSnippets(CLIENT);
    writeFileSync(join(folder, 'uses.ts'), USES);
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext'];
    const args = [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options, join(folder, 'uses.ts')];
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' })).toMatchObject({ stdout: '', status: 0 });
    rmSync(folder, { recursive: true });
  });
});
