import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, request as sendRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ROUTER_SECRET } from '../../test/support/stack';
import { ROOT } from '../root';

/** Counts what became of the users of all bulks. */
export interface BulkTally {
  files: number;
  users: number;
  unlinked: number;
  notLinked: number;
  /** Commands that had to be repeated, because faults left users. */
  repeated: number;
  /** Each problem in a sentence. */
  problems: string[];
}

export interface BulkOptions {
  /** The subgraph. */
  url: string;
  folder: string;
  userIds: readonly string[];
  extIdpIds: readonly string[];
  token: () => string;
  isOver: () => boolean;
}

/** The last line of the command's output. */
interface Summary {
  users: number;
  doneBefore: number;
  unlinked: number;
  notLinked: number;
  left: number;
}

const USERS_OF_A_FILE = 100;
const RATE = 20;
/** One call in twenty fails, so that several runs in a row with users left show a fault. */
const MAX_ATTEMPTS = 8;

/** Runs the command line `identities`, one file after the other. Each file is repeated until all of its users are done. */
export async function runBulks(options: BulkOptions): Promise<BulkTally> {
  const { url, folder, userIds, extIdpIds, isOver } = options;
  const tally: BulkTally = { files: 0, users: 0, unlinked: 0, notLinked: 0, repeated: 0, problems: [] };
  const supergraph = await startSupergraph(url);
  const port = (supergraph.address() as AddressInfo).port;
  while (!isOver()) {
    const number = tally.files++;
    const file = join(folder, `bulk-${number}.txt`);
    const first = (number * USERS_OF_A_FILE) % userIds.length;
    const ids = userIds.slice(first, first + USERS_OF_A_FILE);
    writeFileSync(file, ids.join('\n'));
    // One source after the other, so that users are linked again before they are unlinked once more.
    const source = extIdpIds[Math.floor((number * USERS_OF_A_FILE) / userIds.length) % extIdpIds.length] ?? '';
    tally.users += ids.length;
    await runFile(['--source', source, '--from', file], `http://127.0.0.1:${port}/graphql`, options, tally);
  }
  supergraph.close();
  supergraph.closeAllConnections();
  return tally;
}

async function runFile(args: readonly string[], url: string, { token }: BulkOptions, tally: BulkTally): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const command = ['dist/cli.js', 'unlink', ...args, '--url', url, '--rate', String(RATE), '--yes'];
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, command, {
      cwd: ROOT,
      env: { PATH, IDENTITIES_TOKEN: token() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0 && code !== 1) {
      tally.problems.push(`a bulk exited with ${code}: ${errors.slice(-300)}`);
      return;
    }
    const summary = JSON.parse(output) as Summary;
    const { users, doneBefore, unlinked, notLinked, left } = summary;
    tally.unlinked += unlinked;
    tally.notLinked += notLinked;
    if (users !== doneBefore + unlinked + notLinked + left) tally.problems.push(`a bulk lost users: ${output.trim()}`);
    if (left === 0) return;
    if (attempt === MAX_ATTEMPTS) {
      tally.problems.push(`${left} users of a bulk were left after ${MAX_ATTEMPTS} runs`);
      return;
    }
    tally.repeated++;
  }
}

/** Stands for the router: passes requests on to the subgraph, with the router's credential. */
async function startSupergraph(subgraph: string): Promise<Server> {
  const server = createServer((request, response) => {
    const headers = { ...request.headers, 'router-authorization': ROUTER_SECRET };
    const passedOn = sendRequest(`${subgraph}/graphql`, { method: request.method, headers }, (received) => {
      response.writeHead(received.statusCode ?? 502, received.headers);
      received.pipe(response);
    });
    passedOn.on('error', () => response.destroy());
    request.pipe(passedOn);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
