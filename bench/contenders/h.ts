import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGenAuth, MAX_BATCH, type UserRow } from './genauth';
import { withoutCredentials } from './profile';
import { announce } from './ready';

/**
 * H: what the job costs without GraphQL. Knows the benchmark's operations by heart, asks for no credentials, keeps no
 * records, and shares nothing between requests.
 */
interface Body {
  query: string;
  variables: { representations: { id: string }[]; userId: string; extIdpId: string };
}

const genauth = createGenAuth();

async function unlink({ userId, extIdpId }: Body['variables']): Promise<object> {
  const { data, requestId = null, apiCode = null } = await genauth.unlinkIdentity({ userId, extIdpId });
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

async function answer(text: string): Promise<string> {
  const { query, variables } = JSON.parse(text) as Body;
  const data = query.startsWith('mutation')
    ? await unlink(variables)
    : await entities(variables, query.includes('userInfoInIdp'));
  return JSON.stringify({ data });
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const body = await answer(await read(request));
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    response.writeHead(200, headers).end(body);
  } catch {
    response.writeHead(502).end();
  }
}

function read(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', reject);
  });
}

const server = createServer((request, response) => void serve(request, response));
server.listen(0, '127.0.0.1', () => announce(server.address() as AddressInfo));
