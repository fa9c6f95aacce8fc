// Unlinks an identity through one GraphQL client, as a page would, and prints what the page would show.
//
// Usage: node clients.mjs CLIENT URL USER SOURCE
//   CLIENT  apollo, urql or graphql-request
//
// Prints {"said": ..., "retryAfterMs": ..., "sources": [...]} as JSON. `sources` are those of the identities that are shown.
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { cacheExchange } from '@urql/exchange-graphcache';
import { parse } from 'graphql';
import { ClientError, GraphQLClient } from 'graphql-request';
import { Client, fetchExchange } from 'urql';

const READ = `query ($users: [_Any!]!) {
  _entities(representations: $users) { __typename ... on User { id identities { __typename id extIdpId type } } }
}`;
const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId) {
    __typename success operationId removed { __typename id }
    user { __typename id identities { __typename id extIdpId type } }
  }
}`;

/** What a person is told. docs/errors.md has the rules. */
function judge(payload, errors) {
  if (payload) return { said: payload.success ? 'disconnected' : 'refused' };
  const { code, outcome, retryAfterMs } = errors[0]?.extensions ?? {};
  if (code === 'LAST_IDENTITY') return { said: 'last way to sign in' };
  if (outcome !== 'NOT_EXECUTED') return { said: 'checking', ...(retryAfterMs && { retryAfterMs }) };
  return retryAfterMs === undefined ? { said: 'failed' } : { said: 'again later', retryAfterMs };
}

/** The payload that is assumed until the response arrives. */
const OPTIMISTIC = {
  unlinkIdentity: { __typename: 'UnlinkIdentityPayload', success: true, operationId: null, removed: null, user: null },
};

const usersOf = (userId) => ({ users: [{ __typename: 'User', id: userId }] });
const sourcesOf = (data) => data._entities[0].identities.map(({ extIdpId }) => extIdpId);

async function apollo(url, target) {
  const cache = new InMemoryCache({
    possibleTypes: { _Entity: ['User'] },
    typePolicies: { Identity: { keyFields: false } },
  });
  const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache });
  const read = { query: parse(READ), variables: usersOf(target.userId) };
  await client.query(read);
  const result = client.mutate({
    mutation: parse(UNLINK),
    variables: target,
    optimisticResponse: OPTIMISTIC,
    update(store, { data }) {
      if (data?.unlinkIdentity?.success !== true) return;
      store.modify({
        id: store.identify({ __typename: 'User', id: target.userId }),
        fields: {
          identities: (list, { readField }) => list.filter((each) => readField('extIdpId', each) !== target.extIdpId),
        },
      });
    },
  });
  const { payload, errors } = await result.then(
    ({ data }) => ({ payload: data.unlinkIdentity, errors: [] }),
    (error) => ({ payload: null, errors: CombinedGraphQLErrors.is(error) ? error.errors : [] }),
  );
  return { ...judge(payload, errors), sources: sourcesOf(client.readQuery(read)) };
}

async function urql(url, target) {
  const client = new Client({
    url,
    preferGetMethod: false,
    exchanges: [
      cacheExchange({
        keys: { Identity: () => null, UnlinkIdentityPayload: () => null },
        optimistic: { unlinkIdentity: () => OPTIMISTIC.unlinkIdentity },
        updates: {
          Mutation: {
            unlinkIdentity({ unlinkIdentity }, _args, cache) {
              if (unlinkIdentity?.success !== true) return;
              cache.updateQuery({ query: READ, variables: usersOf(target.userId) }, (data) => {
                const [user] = data._entities;
                const identities = user.identities.filter(({ extIdpId }) => extIdpId !== target.extIdpId);
                return { ...data, _entities: [{ ...user, identities }] };
              });
            },
          },
        },
      }),
      fetchExchange,
    ],
  });
  await client.query(READ, usersOf(target.userId)).toPromise();
  const { data, error } = await client.mutation(UNLINK, target).toPromise();
  const shown = await client.query(READ, usersOf(target.userId), { requestPolicy: 'cache-only' }).toPromise();
  return { ...judge(data?.unlinkIdentity, error?.graphQLErrors ?? []), sources: sourcesOf(shown.data) };
}

async function graphqlRequest(url, target) {
  const client = new GraphQLClient(url);
  const before = sourcesOf(await client.request(READ, usersOf(target.userId)));
  const result = client.request(UNLINK, target);
  const { payload, errors } = await result.then(
    (data) => ({ payload: data.unlinkIdentity, errors: [] }),
    (error) => ({ payload: null, errors: error instanceof ClientError ? (error.response.errors ?? []) : [] }),
  );
  // This client has no cache: the page keeps its list, or removes what was unlinked.
  const isDone = payload?.success === true;
  return { ...judge(payload, errors), sources: before.filter((source) => !isDone || source !== target.extIdpId) };
}

const [name, url, userId, extIdpId] = process.argv.slice(2);
const run = { apollo, urql, 'graphql-request': graphqlRequest }[name];
process.stdout.write(JSON.stringify(await run(url, { userId, extIdpId })));
