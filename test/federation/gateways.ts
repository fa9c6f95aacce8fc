import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { printSubgraphSchema } from '@apollo/subgraph';
import { loadSchema } from '../../src/graphql/schema';
import { COMPOSERS, USERS_SDL } from '../support/composers';
import { freePort } from '../support/listen';
import { ROOT, run, type Running } from '../support/process';
import { post, ROUTER_SECRET } from '../support/stack';
import type { Opened } from '../support/supergraph';

/** The URLs of the two subgraphs of a supergraph. */
export interface Subgraphs {
  users: string;
  identities: string;
}

/** A gateway that the tests can start. */
export interface Gateway {
  /** How the titles of tests name it. */
  readonly name: string;
  /** Whether its package has been installed. */
  readonly isInstalled: boolean;
  /** Whether its package exists for this machine. */
  readonly isAvailable: boolean;
  /**
   * Starts the gateway as a process, with its file in deploy/routers.
   *
   * @param env Added to its environment.
   */
  start(subgraphs: Subgraphs, env?: Record<string, string>): Promise<Opened>;
}

const FOLDER = join(__dirname, 'gateways');
/** The binary in the only package of Grafbase that contains its gateway. */
const GRAFBASE = join(FOLDER, 'node_modules/@grafbase/cli-x86_64-unknown-linux-musl/grafbase');

const identitiesSdl = printSubgraphSchema(loadSchema());

/** `@apollo/gateway`, with deploy/routers/apollo-gateway.js. */
export const apolloGateway: Gateway = {
  name: '@apollo/gateway',
  isInstalled: true,
  isAvailable: true,
  start: (subgraphs, env) =>
    startNode(join(ROOT, 'deploy/routers/apollo-gateway.js'), '@apollo/composition', subgraphs, env),
};

/** `@graphql-tools/federation`, the engine of Hive Gateway. */
export const hiveEngine: Gateway = {
  name: '@graphql-tools/federation (needs npm ci in test/federation/gateways)',
  isInstalled: existsSync(join(FOLDER, 'node_modules/@graphql-tools/federation')),
  isAvailable: true,
  start: (subgraphs, env) =>
    startNode(join(FOLDER, 'hiveEngine.mjs'), '@theguild/federation-composition', subgraphs, env),
};

/** The Rust gateway of Grafbase, with deploy/routers/grafbase.toml. npm has its binary for linux on x64 only. */
export const grafbase: Gateway = {
  name: 'Grafbase (needs linux on x64, and npm ci in test/federation/gateways)',
  isInstalled: existsSync(GRAFBASE),
  isAvailable: process.platform === 'linux' && process.arch === 'x64',
  async start({ users, identities }, env = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'grafbase-'));
    const port = await freePort();
    const file = await readFile(join(ROOT, 'deploy/routers/grafbase.toml'), 'utf8');
    const config = file
      .replace('http://users:4003/graphql', users)
      .replace('http://identities:4001/graphql', identities)
      .replace('../users.graphql', 'users.graphql')
      .replace('../../docs/schema.graphql', 'identities.graphql');
    await mkdir(join(folder, 'home'));
    await writeFile(join(folder, 'grafbase.toml'), config);
    await writeFile(join(folder, 'users.graphql'), USERS_SDL);
    await writeFile(join(folder, 'identities.graphql'), identitiesSdl);
    const args = ['--home', join(folder, 'home'), 'dev', '-c', join(folder, 'grafbase.toml')];
    const gateway = run(
      [...args, '--listen-address', `127.0.0.1:${port}`],
      { ROUTER_AUTHORIZATION: ROUTER_SECRET, HOME: folder, ...env },
      GRAFBASE,
    );
    const url = `http://127.0.0.1:${port}/graphql`;
    await untilServing(url, gateway);
    return { url, close: () => close(gateway, folder) };
  },
};

/** The folder in which test/federation/hiveGateway.ts has installed Hive Gateway. */
const HIVE_GATEWAY = process.env['HIVE_GATEWAY'] ?? '';

/** Hive Gateway, with deploy/routers/hive-gateway.config.mjs. */
export const hiveGateway: Gateway = {
  name: 'Hive Gateway (needs npx tsx test/federation/hiveGateway.ts)',
  isInstalled: HIVE_GATEWAY !== '',
  isAvailable: HIVE_GATEWAY !== '',
  async start(subgraphs, env = {}) {
    const port = await freePort();
    // In this folder, because the configuration imports a package of it.
    const folder = await mkdtemp(join(HIVE_GATEWAY, 'gateway-'));
    const config = join(folder, 'gateway.config.mjs');
    const supergraph = join(folder, 'supergraph.graphql');
    const file = await readFile(join(ROOT, 'deploy/routers/hive-gateway.config.mjs'), 'utf8');
    await writeFile(config, file.replace('http://identities:4001/graphql', subgraphs.identities));
    await writeFile(supergraph, compose('@theguild/federation-composition', subgraphs));
    const program = join(HIVE_GATEWAY, 'node_modules/@graphql-hive/gateway/dist/bin.js');
    const args = ['supergraph', supergraph, '-c', config, '--host', '127.0.0.1', '--port', String(port)];
    const gateway = run([program, ...args], { ROUTER_AUTHORIZATION: ROUTER_SECRET, NODE_ENV: 'production', ...env });
    await gateway.waitFor(/listening on/i);
    return { url: `http://127.0.0.1:${port}/graphql`, close: () => close(gateway, folder) };
  },
};

export const GATEWAYS: readonly Gateway[] = [apolloGateway, hiveEngine, grafbase, hiveGateway];

async function startNode(
  program: string,
  composer: string,
  subgraphs: Subgraphs,
  env: Record<string, string> = {},
): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  const supergraph = join(folder, 'supergraph.graphql');
  await writeFile(supergraph, compose(composer, subgraphs));
  const gateway = run([program], {
    SUPERGRAPH: supergraph,
    ROUTER_AUTHORIZATION: ROUTER_SECRET,
    PORT: '0',
    NODE_ENV: 'production',
    APOLLO_TELEMETRY_DISABLED: '1',
    ...env,
  });
  const [, url = ''] = await gateway.waitFor(/gateway at (\S+)/);
  return { url, close: () => close(gateway, folder) };
}

/** Composes the two subgraphs. @throws {Error} They do not compose. */
export function compose(composer: string, { users, identities }: Subgraphs): string {
  const composition = COMPOSERS[composer]?.([
    { name: 'users', url: users, sdl: USERS_SDL },
    { name: 'identities', url: identities, sdl: identitiesSdl },
  ]);
  if (typeof composition?.supergraph !== 'string') throw new Error(`no supergraph: ${composition?.errors.join('; ')}`);
  return composition.supergraph;
}

/** Waits until a gateway that does not say when it is ready responds. */
async function untilServing(url: string, gateway: Running): Promise<void> {
  for (;;) {
    const response = await post(url, { query: '{ __typename }' }).catch(() => null);
    if (response?.ok === true) return;
    const ended = await Promise.race([gateway.exited.then(() => true), pause(50, false)]);
    if (ended) throw new Error(`the gateway ended; it printed:\n${gateway.output()}`);
  }
}

async function close(gateway: Running, folder: string): Promise<void> {
  await gateway.stop('SIGKILL');
  await rm(folder, { recursive: true });
}
