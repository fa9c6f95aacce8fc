import { createServer, type AddressInfo, type Socket } from 'node:net';
import { REQUEST_ID } from './exchanges';
import { serveParent } from './parent';
import { SOURCES, userIdOf, userOfAccount, userRow } from './users';
import { IDENTITIES } from './workloads';

/** A command to the stub. */
export interface StubCommand {
  /** Calls per second. Calls above it get 429. Null: no limit. */
  limit: number | null;
}

export interface StubReport {
  port: number;
  /** Calls since the previous command. */
  calls: number;
  /** Calls over the limit among them. */
  refused: number;
}

// The cheapest possible GenAuth, so that it never limits a contender: it writes cached bytes to sockets and verifies no
// signature. An unlink links the user again to the source before, so that a user can be unlinked any number of times.

/** Rows by user id and the source that is unlinked, serialized once. */
const users = new Map<string, Buffer<ArrayBuffer>>();
/** By user id, the source that the user was unlinked from last. The user is linked to all others. */
const unlinked = new Map<string, string>();
let limit: number | null = null;
let calls = 0;
let refused = 0;
let allowance = 0;
let allowedAt = 0;

const UNLINKED = responseOf(
  '200 OK',
  Buffer.from(JSON.stringify({ statusCode: 200, message: 'Success', requestId: REQUEST_ID, data: { success: true } })),
);
const TOO_MANY = responseOf(
  '429 Too Many Requests',
  Buffer.from(JSON.stringify({ statusCode: 429, message: 'Too many requests' })),
);
const SOURCE_LIST = responseOf(
  '200 OK',
  Buffer.from(
    JSON.stringify({ statusCode: 200, message: 'Success', data: { totalCount: SOURCES.length, list: SOURCES } }),
  ),
);
const BEGIN = Buffer.from('{"statusCode":200,"message":"Success","data":[');
const COMMA = Buffer.from(',');
const END = Buffer.from(']}');

function respond(head: string, body: string): Buffer {
  calls++;
  if (isOverTheLimit()) {
    refused++;
    return TOO_MANY;
  }
  if (head.startsWith('POST')) {
    const { userId, extIdpId } = JSON.parse(body) as { userId: string; extIdpId: string };
    unlinked.set(userId, extIdpId);
    return UNLINKED;
  }
  if (head.startsWith('GET /api/v3/list-ext-idp')) return SOURCE_LIST;
  const parts = [BEGIN];
  for (const id of requestedIds(head.slice(0, head.indexOf('\r\n')))) {
    if (parts.length > 1) parts.push(COMMA);
    parts.push(userOf(id));
  }
  parts.push(END);
  return responseOf('200 OK', ...parts);
}

function requestedIds(url: string): string[] {
  if (!url.includes('userIdType=identity')) return Array.from(url.matchAll(/=([0-9a-f]{24})/g), ([, id = '']) => id);
  const accounts = url.matchAll(/=[0-9a-f]{24}%3A(user\d{8})/g);
  return Array.from(accounts, ([, account = '']) => userIdOf(userOfAccount(account), IDENTITIES));
}

/** A token bucket that holds a tenth of a second's calls. */
function isOverTheLimit(): boolean {
  if (limit === null) return false;
  const now = performance.now();
  allowance = Math.min(limit / 10, allowance + ((now - allowedAt) / 1000) * limit);
  allowedAt = now;
  if (allowance < 1) return true;
  allowance--;
  return false;
}

function userOf(id: string): Buffer<ArrayBuffer> {
  const source = unlinked.get(id);
  const key = source === undefined ? id : id + source;
  let user = users.get(key);
  if (user === undefined) {
    user = Buffer.from(JSON.stringify(userRow(id, source)));
    users.set(key, user);
  }
  return user;
}

function responseOf(status: string, ...body: Buffer[]): Buffer {
  const length = body.reduce((sum, part) => sum + part.length, 0);
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), ...body]);
}

/** Reads requests in the form that undici writes: a body has a `content-length`. */
function serve(socket: Socket): void {
  let received = '';
  socket.setNoDelay(true);
  // A contender that is stopped resets its connections.
  socket.on('error', () => socket.destroy());
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk;
    for (;;) {
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = received.slice(0, end);
      const length = head.startsWith('POST') ? Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0) : 0;
      if (received.length < end + 4 + length) return;
      const body = received.slice(end + 4, end + 4 + length);
      received = received.slice(end + 4 + length);
      socket.write(respond(head, body));
    }
  });
}

const server = createServer(serve).listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  serveParent((command: StubCommand) => {
    const report: StubReport = { port, calls, refused };
    limit = command.limit;
    calls = 0;
    refused = 0;
    unlinked.clear();
    return Promise.resolve(report);
  });
});
