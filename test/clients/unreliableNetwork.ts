import { createServer, type IncomingHttpHeaders, request as send, type ServerResponse } from 'node:http';
import { listen, stopListening } from '../support/listen';

/** What happens to a user's responses instead of reaching the client. The gateway executes the requests. */
export type Loss = keyof typeof LOSSES;

const LOSSES = {
  'lost connection': { ofReads: false, respond: (response: ServerResponse) => response.destroy() },
  'timeout of a load balancer': {
    ofReads: false,
    respond: (response: ServerResponse) => response.writeHead(504, { 'content-type': 'text/html' }).end('<html>'),
  },
  // Some routers verify tokens themselves, and refuse in words of their own.
  'refused by the router': {
    ofReads: true,
    respond: (response: ServerResponse) =>
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"errors":[{"message":"unauthorized"}]}'),
  },
};

/** A proxy between clients and a gateway, on which responses get lost. */
export interface UnreliableNetwork {
  url: string;
  /** Number of unlinks that were sent through it, by the user to unlink. */
  unlinks: Map<string, number>;
  close(): Promise<void>;
}

/** @param losses By the user who sends a request. Default: the response is passed on. */
export async function startUnreliableNetwork(
  gateway: string,
  losses: ReadonlyMap<string, Loss>,
): Promise<UnreliableNetwork> {
  const unlinks = new Map<string, number>();
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const { method, headers } = incoming;
      const { query, variables } = JSON.parse(body.toString()) as { query: string; variables?: { userId: string } };
      const isUnlink = query.startsWith('mutation UnlinkIdentity');
      const target = variables?.userId ?? '';
      if (isUnlink) unlinks.set(target, (unlinks.get(target) ?? 0) + 1);
      const name = losses.get(subjectOf(headers));
      const loss = name === undefined ? undefined : LOSSES[name];
      const outgoing = send(gateway, { method, headers }, (received) => {
        if (loss === undefined || !(isUnlink || loss.ofReads)) {
          received.pipe(response.writeHead(received.statusCode ?? 0, received.headers));
        } else {
          received.resume().on('end', () => loss.respond(response));
        }
      });
      outgoing.end(body);
    });
  });
  const url = `http://127.0.0.1:${await listen(server)}/graphql`;
  return { url, unlinks, close: () => stopListening(server) };
}

function subjectOf({ authorization = '' }: IncomingHttpHeaders): string {
  const [, payload = ''] = authorization.split('.');
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }).sub;
}
