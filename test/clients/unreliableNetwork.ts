import { createServer, request as send } from 'node:http';
import { listen, stopListening } from '../support/listen';

/** What happens to a response on its way to the client: its connection is lost, or a load balancer replaces it. */
export type Loss = 'connection' | 'timeout page';

/** A proxy between clients and a gateway, on which responses get lost. */
export interface UnreliableNetwork {
  url: string;
  /** Number of unlinks that were sent through it, by the user that they concern. */
  unlinks: Map<string, number>;
  close(): Promise<void>;
}

/** @param losses By the user whose unlink loses its response. The gateway executes it. */
export async function startUnreliableNetwork(
  target: string,
  losses: ReadonlyMap<string, Loss>,
): Promise<UnreliableNetwork> {
  const unlinks = new Map<string, number>();
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const { query, variables } = JSON.parse(body.toString()) as { query: string; variables?: { userId?: string } };
      const userId = query.startsWith('mutation UnlinkIdentity') ? (variables?.userId ?? '') : '';
      if (userId !== '') unlinks.set(userId, (unlinks.get(userId) ?? 0) + 1);
      const loss = losses.get(userId);
      const { method, headers } = incoming;
      const outgoing = send(target, { method, headers }, (received) => {
        if (loss === 'connection') {
          received.resume().on('end', () => response.destroy());
        } else if (loss === 'timeout page') {
          received.resume().on('end', () => response.writeHead(504, { 'content-type': 'text/html' }).end('<html>'));
        } else {
          received.pipe(response.writeHead(received.statusCode ?? 0, received.headers));
        }
      });
      outgoing.end(body);
    });
  });
  const url = `http://127.0.0.1:${await listen(server)}/graphql`;
  return { url, unlinks, close: () => stopListening(server) };
}
