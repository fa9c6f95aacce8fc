import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { printSubgraphSchema } from '@apollo/subgraph';
import { loadSchema } from '../src/graphql/schema';
import { COMPOSERS, USERS_SDL } from '../test/support/composers';
import { AUDIENCE, type Issuer, startIssuer } from '../test/support/issuer';
import { run } from '../test/support/process';
import { startStack } from '../test/support/stack';
import { startUsers } from '../test/support/supergraph';
import { withAuthorization } from './authorization';

const HELP = `Shows that Hive Gateway enforces the directives of "npm run schema:print -- --authorization".

Usage: npx tsx scripts/enforceAuthorization.ts [FOLDER]

  FOLDER  default: a temporary one, which is removed. Where the gateway is installed: 750 packages, half a gigabyte

The subgraph trusts everybody here, so that what is refused was refused by the gateway. The number of calls that reached the
GenAuth emulator shows whether anything came through. Exit code: 0 when all is as it should be.
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
      ['nobody reads names', QUERIES.names, null, 'passes'],
      ['nobody reads identities', QUERIES.identities, null, 'refused'],
      ['a user reads identities', QUERIES.identities, userToken, 'passes'],
      ['nobody unlinks', unlink, null, 'refused'],
      ['a user without the scope unlinks', unlink, userToken, 'refused'],
      ['a user with the scope unlinks', unlink, issuer.token({ scope: SCOPE }), 'passes'],
    ];
    let failures = 0;
    for (const [what, query, token, expected] of cases) {
      stack.emulator.clearCalls();
      const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query }),
      });
      const answer = await response.text();
      const calls = stack.emulator.calls.length;
      const refused = answer.includes('"errors"');
      const right = refused === (expected === 'refused') && (!refused || calls === 0);
      if (!right) failures++;
      say(`${right ? 'ok    ' : 'WRONG '} ${what}: ${expected}. HTTP ${response.status}, calls to GenAuth: ${calls}`);
      say(`       ${answer}`);
    }
    return failures === 0 ? 0 : 1;
  } finally {
    await gateway.stop('SIGKILL');
    await Promise.all([stack.close(), users.close(), issuer.close()]);
  }
}

function composeSupergraph(usersUrl: string, identitiesUrl: string): string {
  const policy = { scopeRead: 'identity:read', scopeUnlink: SCOPE, selfUnlink: 'deny' } as const;
  const composition = COMPOSERS['@theguild/federation-composition']?.([
    { name: 'users', url: usersUrl, sdl: USERS_SDL },
    { name: 'identities', url: identitiesUrl, sdl: withAuthorization(printSubgraphSchema(loadSchema()), policy) },
  ]);
  if (typeof composition?.supergraph !== 'string') throw new Error(`no supergraph: ${composition?.errors.join('; ')}`);
  return composition.supergraph;
}

/** What docs/federation.md shows, for this issuer. */
function gatewayConfig({ url, jwksUri }: Issuer): string {
  return `import { createRemoteJwksSigningKeyProvider, defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  jwt: {
    signingKeyProviders: [createRemoteJwksSigningKeyProvider({ jwksUri: '${jwksUri}' })],
    tokenVerification: { issuer: '${url}', audience: '${AUDIENCE}', algorithms: ['RS256', 'ES256'] },
    // Operations without protected fields are for everybody; a token that is wrong is for nobody.
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((opened) => server.once('listening', opened));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const [argument] = process.argv.slice(2);
if (argument === '--help') say(HELP);
else void main(argument).then((exitCode) => (process.exitCode = exitCode));
