import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { printSubgraphSchema } from '@apollo/subgraph';
import { readPolicyConfig } from '../../src/config';
import { loadSchema, withAuthorization } from '../../src/graphql';
import { COMPOSERS, USERS_SDL } from '../support/composers';
import { AUDIENCE, type Issuer, startIssuer } from '../support/issuer';
import { freePort } from '../support/listen';
import { run } from '../support/process';
import { startStack } from '../support/stack';
import { startUsers } from '../support/supergraph';

const HELP = `Checks that Hive Gateway enforces the directives of "npm run schema:print -- --authorization".

Usage: npx tsx test/schema/enforceAuthorization.ts [FOLDER]

  FOLDER  default: a temporary folder, removed afterwards. Where the gateway is installed: 750 packages, 0.5 GB

Run it by hand, after changing the directives or to try another version of the gateway. It is not part of the test suite,
because of the size of the gateway.

The subgraph authenticates no caller here, so that every rejection comes from the gateway. The number of calls that reach
the GenAuth emulator shows whether a rejected request got through. Exit code: 0 when every case is as expected.
`;

const GATEWAY = ['@graphql-hive/gateway@2.15.1', 'graphql@16.15.0'];
const SCOPE = 'identity:unlink';

const QUERIES = {
  names: '{ users(first: 1) { name } }',
  identities: '{ users(first: 1) { name identities { provider } } }',
};

async function main(argument: string | undefined): Promise<number> {
  const folder = resolve(argument ?? mkdtempSync(join(tmpdir(), 'gateway-')));
  try {
    const options = ['--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'];
    const { status } = spawnSync('npm', ['install', ...options, ...GATEWAY], { stdio: 'inherit' });
    return status === 0 ? await demonstrate(folder) : 1;
  } finally {
    if (argument === undefined) rmSync(folder, { recursive: true });
  }
}

async function demonstrate(folder: string): Promise<number> {
  const stack = await startStack();
  const [user] = stack.emulator.store.users();
  const users = await startUsers([user?.profile.userId ?? '']);
  const issuer = await startIssuer();
  const port = await freePort();
  writeFileSync(join(folder, 'supergraph.graphql'), composeSupergraph(users.url, `${stack.subgraph.url}/graphql`));
  writeFileSync(join(folder, 'gateway.config.mjs'), gatewayConfig(issuer));
  const args = ['supergraph', join(folder, 'supergraph.graphql'), '-c', join(folder, 'gateway.config.mjs')];
  const gateway = run([
    join(folder, 'node_modules/@graphql-hive/gateway/dist/bin.js'),
    ...[...args, '--host', '127.0.0.1', '--port', String(port)],
  ]);
  try {
    await gateway.waitFor(/listening on/i);
    const userToken = issuer.token();
    const unlink = `mutation { unlinkIdentity(userId: "${user?.profile.userId}", extIdpId: "${user?.identities[0]?.extIdpId}") { success } }`;
    const cases: [string, string, string | null, 'passes' | 'refused'][] = [
      ['an unauthenticated request for names', QUERIES.names, null, 'passes'],
      ['an unauthenticated request for identities', QUERIES.identities, null, 'refused'],
      ['a request of a user for identities', QUERIES.identities, userToken, 'passes'],
      ['an unauthenticated unlink', unlink, null, 'refused'],
      ['an unlink by a user without the scope', unlink, userToken, 'refused'],
      ['an unlink by a user with the scope', unlink, issuer.token({ scope: SCOPE }), 'passes'],
    ];
    let failures = 0;
    for (const [title, query, token, expected] of cases) {
      stack.emulator.clearCalls();
      const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query }),
      });
      const body = await response.text();
      const calls = stack.emulator.calls.length;
      const refused = body.includes('"errors"');
      const right = refused === (expected === 'refused') && (!refused || calls === 0);
      if (!right) failures++;
      say(`${right ? 'ok    ' : 'WRONG '} ${title}: ${expected}. HTTP ${response.status}, calls to GenAuth: ${calls}`);
      say(`       ${body}`);
    }
    return failures === 0 ? 0 : 1;
  } finally {
    await gateway.stop('SIGKILL');
    await Promise.all([stack.close(), users.close(), issuer.close()]);
  }
}

function composeSupergraph(usersUrl: string, identitiesUrl: string): string {
  const policy = readPolicyConfig({ SCOPE_UNLINK: SCOPE, SELF_UNLINK: 'deny' });
  const composition = COMPOSERS['@theguild/federation-composition']?.([
    { name: 'users', url: usersUrl, sdl: USERS_SDL },
    { name: 'identities', url: identitiesUrl, sdl: withAuthorization(printSubgraphSchema(loadSchema()), policy) },
  ]);
  if (typeof composition?.supergraph !== 'string') throw new Error(`no supergraph: ${composition?.errors.join('; ')}`);
  return composition.supergraph;
}

/** Returns the gateway's configuration from docs/federation.md, for this issuer. */
function gatewayConfig({ url, jwksUri }: Issuer): string {
  return `import { createRemoteJwksSigningKeyProvider, defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  jwt: {
    signingKeyProviders: [createRemoteJwksSigningKeyProvider({ jwksUri: '${jwksUri}' })],
    tokenVerification: { issuer: '${url}', audience: '${AUDIENCE}', algorithms: ['RS256', 'ES256'] },
    // Operations without protected fields need no token. An invalid token is always refused.
    reject: { missingToken: false, invalidToken: true },
  },
  genericAuth: {
    mode: 'protect-granular',
    resolveUserFn: (context) => context.jwt?.payload,
    // Called with null for callers without a token.
    extractScopes: (user) => (user?.scope ?? '').split(' '),
  },
});
`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const [argument] = process.argv.slice(2);
if (argument === '--help') say(HELP);
else void main(argument).then((exitCode) => (process.exitCode = exitCode));
