import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Caller } from '../../src/callers';
import type { Guard } from './guard';
import { announce } from './ready';
import { type Body, execute, type Guarded } from './work';

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    write(response, await respond(await read(request), null));
  } catch {
    response.writeHead(502).end();
  }
}

async function serveGuarded(request: IncomingMessage, response: ServerResponse, guard: Guard): Promise<void> {
  const startedAt = performance.now();
  try {
    const known = guard.authenticate(request);
    const caller: Caller = known instanceof Promise ? await known : known;
    const body = await respond(await read(request), { guard, caller });
    write(response, body);
    guard.log(body.startsWith('{"data":{"unlink') ? 'unlink' : 'entities', performance.now() - startedAt);
  } catch {
    response.writeHead(502).end();
  }
}

async function respond(text: string, guarded: Guarded): Promise<string> {
  return JSON.stringify({ data: await execute(JSON.parse(text) as Body, guarded) });
}

function write(response: ServerResponse, body: string): void {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  response.writeHead(200, headers).end(body);
}

function read(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', reject);
  });
}

/**
 * Starts a proxy that shows what the work costs without GraphQL. It shares nothing between requests, apart from the list of
 * identity sources.
 *
 * @param guard Null: no authentication, audit trail or log.
 */
export function startProxy(guard: Guard | null): void {
  const server = createServer((request, response) => {
    void (guard === null ? serve(request, response) : serveGuarded(request, response, guard));
  });
  server.listen(0, '127.0.0.1', () => announce(server.address() as AddressInfo));
}
