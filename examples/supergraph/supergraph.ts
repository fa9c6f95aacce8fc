import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from '../../src/emulator';
import { startIssuer } from './issuer';
import { openListener } from './listener';
import { introducePeople } from './people';
import { startSubgraph, type Subgraph } from './subgraph';

/** The published schema of this subgraph. `npm run check` compares it with the one that is served. */
const SCHEMA = join(__dirname, '..', '..', 'docs', 'schema.graphql');

export interface SupergraphOptions {
  /** Of the gateway and the page. All others are free ports. */
  port: number;
  /** See `startIssuer`. */
  signingKey: string | undefined;
  /** Called as soon as the process of the subgraph exists, because it has to be ended in every case. */
  onSubgraph: (subgraph: Subgraph) => void;
}

/**
 * Starts an emulator of GenAuth, an issuer of tokens, two subgraphs, a gateway in front of them, and the page. The gateway
 * alone has a fixed port.
 *
 * @returns The lines to print.
 */
export async function startSupergraph({ port, signingKey, onSubgraph }: SupergraphOptions): Promise<string[]> {
  const listener = await openListener(port);
  const [emulator, issuer] = await Promise.all([startEmulator(), startIssuer(signingKey)]);
  const auditLog = join(mkdtempSync(join(tmpdir(), 'connected-accounts-')), 'audit.jsonl');
  const routerSecret = randomBytes(32).toString('hex');
  const appIds = emulator.store.applications().map(({ id }) => id);
  const subgraph = startSubgraph({ emulator, issuer, routerSecret, appIds, auditLog });
  onSubgraph(subgraph);

  // Loaded while the process of the subgraph starts, because loading takes more than a second.
  const { createGateway } = await import('./gateway.js');
  const { startUsers } = await import('../../deploy/users.js');
  const { createWeb } = await import('./web.js');

  const names = new Map(emulator.store.users().map(({ profile }) => [profile.userId, profile.name ?? null]));
  const users = await startUsers({ host: '127.0.0.1', port: 0, names, issuer });
  const identities = {
    name: 'identities',
    url: await subgraph.url,
    sdl: readFileSync(SCHEMA, 'utf8'),
    headers: { 'router-authorization': routerSecret },
  };
  const gateway = await createGateway([{ name: 'users', ...users }, identities]);
  listener.serve(await createWeb(gateway, emulator.url));
  const pageUrl = `http://localhost:${listener.port}/`;
  return [
    `Page       ${pageUrl}`,
    `GraphQL    ${pageUrl}graphql`,
    `Emulator   ${emulator.url}`,
    `Audit      ${auditLog}`,
    ...(await introducePeople(emulator, issuer, pageUrl)),
  ];
}
