import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Caller } from '../../src/callers';
import { createGenAuth, type GenAuth, MAX_BATCH, type UserRow } from './genauth';
import type { Guard } from './guard';
import { withoutCredentials } from './profile';
import { announce } from './ready';

interface Body {
  query: string;
  variables: { representations: { id: string }[]; userId: string; extIdpId: string };
}

const genauth = createGenAuth();

type SendUnlink = GenAuth['unlinkIdentity'];

async function unlink({ userId, extIdpId }: Body['variables'], send: SendUnlink): Promise<object> {
  const { data, requestId = null, apiCode = null } = await send({ userId, extIdpId });
  return { unlinkIdentity: { success: data.success, requestId, apiCode } };
}

async function entities({ representations }: Body['variables'], profiles: boolean): Promise<object> {
  const batches: Promise<UserRow[]>[] = [];
  for (let start = 0; start < representations.length; start += MAX_BATCH) {
    batches.push(genauth.getUserBatch(representations.slice(start, start + MAX_BATCH).map(({ id }) => id)));
  }
  const users = new Map((await Promise.all(batches)).flat().map((row) => [row.userId, toUser(row, profiles)]));
  return { _entities: representations.map(({ id }) => users.get(id) ?? null) };
}

function toUser({ userId, identities }: UserRow, profiles: boolean): object {
  return {
    id: userId,
    identities: identities.map(({ identityId, extIdpId, provider, type, userIdInIdp, userInfoInIdp, originConnIds }) =>
      profiles
        ? {
            id: identityId,
            extIdpId,
            provider,
            type,
            userIdInIdp,
            userInfoInIdp: withoutCredentials(userInfoInIdp),
            originConnIds,
          }
        : { id: identityId, extIdpId, provider, type, userIdInIdp, originConnIds },
    ),
  };
}

async function execute(text: string, send: SendUnlink): Promise<string> {
  const { query, variables } = JSON.parse(text) as Body;
  const data = query.startsWith('mutation')
    ? await unlink(variables, send)
    : await entities(variables, query.includes('userInfoInIdp'));
  return JSON.stringify({ data });
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    write(response, await execute(await read(request), (asked) => genauth.unlinkIdentity(asked)));
  } catch {
    response.writeHead(502).end();
  }
}

async function serveGuarded(request: IncomingMessage, response: ServerResponse, guard: Guard): Promise<void> {
  const startedAt = performance.now();
  try {
    const known = guard.authenticate(request);
    const caller: Caller = known instanceof Promise ? await known : known;
    const send: SendUnlink = (asked) => guard.unlink(caller, asked, () => genauth.unlinkIdentity(asked));
    const body = await execute(await read(request), send);
    write(response, body);
    guard.log(body.startsWith('{"data":{"unlink') ? 'unlink' : 'entities', performance.now() - startedAt);
  } catch {
    response.writeHead(502).end();
  }
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
 * Starts a proxy that shows what the work costs without GraphQL. It recognizes only the operations of the benchmark, and
 * shares nothing between requests.
 *
 * @param guard Null: no authentication, audit trail or log.
 */
export function startProxy(guard: Guard | null): void {
  const server = createServer((request, response) => {
    void (guard === null ? serve(request, response) : serveGuarded(request, response, guard));
  });
  server.listen(0, '127.0.0.1', () => announce(server.address() as AddressInfo));
}
