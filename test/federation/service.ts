import { connect, createServer, type Socket } from 'node:net';
import { listen, stopListening } from '../support/listen';

/** An address in front of replicas, like a Service of Kubernetes: it passes bytes on, and knows no HTTP. */
export interface Service {
  readonly url: string;
  /** Connects new connections to this replica from now on. Open connections stay where they are. */
  routeTo(replica: { url: string }): void;
  close(): Promise<void>;
}

export async function startService(): Promise<Service> {
  let port = 0;
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const replica = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    for (const [socket, other] of [
      [client, replica],
      [replica, client],
    ] as const) {
      open.add(socket);
      socket.pipe(other);
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => open.delete(socket));
    }
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  return {
    url,
    routeTo(replica) {
      port = Number(new URL(replica.url).port);
    },
    async close() {
      for (const socket of open) socket.destroy();
      await stopListening(server);
    },
  };
}
