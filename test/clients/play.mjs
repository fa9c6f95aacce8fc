// Plays situations with one client of docs/frontends.md, as a page would, and prints what the page would show.
//
// Usage: node play.mjs FOLDER CLIENT URL SITUATIONS
//   FOLDER      the snippets of docs/frontends.md as files
//   CLIENT      the name of one of them: apollo, urql, graphql-request, fetch or tanstack
//   SITUATIONS  [{"name": ..., "token": ..., "userId": ..., "extIdpId": ...}] as JSON, played at the same time
//
// Prints [{"name": ..., "view": ..., "judgement": ..., "isShown": ..., "left": ..., "signedOut": ..., "settled": ..., "later": ...}] as JSON. `isShown` says
// whether the client's cache still has the account. It is absent for clients without a cache.
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const [folder, name, url, situations] = process.argv.slice(2);
const load = (snippet) => import(pathToFileURL(join(folder, `${snippet}.js`)).href);
const [{ toView }, { settle }, { signOutEverywhere }] = await Promise.all(['page', 'settle', 'sessions'].map(load));
const { createClient = (session) => session, ...snippet } = await load(name);

/** The identities that the client's cache has, for the clients that have one. */
const CACHED = {
  apollo: async (client) => (await snippet.readAccounts(client, 'cache-only')).data?.me?.identities,
  urql: async (client) => (await snippet.readAccounts(client, 'cache-only')).data?.me?.identities,
  tanstack: ({ queries }) => queries.getQueryData(['connected accounts'])?.data?.me?.identities,
};

if (name === 'tanstack') {
  const { MutationObserver } = await import('@tanstack/query-core');
  snippet.readAccounts = (client) => client.queries.fetchQuery(snippet.accountsQuery(client));
  snippet.unlink = (client, userId, extIdpId) =>
    new MutationObserver(client.queries, snippet.unlinkMutation(client)).mutate({ userId, extIdpId });
}

async function play({ token, userId, extIdpId }) {
  const client = createClient({ url, token });
  const view = toView(await snippet.readAccounts(client).catch((error) => error));
  const judgement = await snippet.unlink(client, userId, extIdpId);
  const cached = await CACHED[name]?.(client);
  const played = { view, judgement, ...(cached && { isShown: cached.some((each) => each.extIdpId === extIdpId) }) };
  if (name === 'fetch' && judgement.kind === 'unlinked') {
    played.signedOut = await signOutEverywhere(client, userId);
  }
  if (cached && judgement.user) played.left = cached.map(({ unlinkBlockedBy }) => unlinkBlockedBy);
  if (judgement.kind === 'unknown') {
    const readIdentities = async () => (await snippet.readAccounts(client)).data?.me?.identities;
    played.settled = await settle(readIdentities, { extIdpId }, { limitMs: 0 });
  }
  if (judgement.retryAfterMs !== undefined) {
    await pause(judgement.retryAfterMs);
    played.later = (await snippet.unlink(client, userId, extIdpId)).kind;
  }
  return played;
}

const playNamed = async (situation) => ({ name: situation.name, ...(await play(situation)) });
process.stdout.write(JSON.stringify(await Promise.all(JSON.parse(situations).map(playNamed))));
process.exit();
