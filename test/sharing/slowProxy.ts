import { createConnection, createServer, type Socket } from 'node:net';
import { listen, stopListening } from '../support/listen';

/** A TCP proxy that delays all data in both directions. */
export interface SlowProxy {
  readonly port: number;
  /** Milliseconds per direction, for data that arrives from now on. 0 at the start. */
  delayMs: number;
  close(): Promise<void>;
}

/** @param target The port of 127.0.0.1 to which connections are forwarded. */
export async function startSlowProxy(target: number): Promise<SlowProxy> {
  const open = new Set<Socket>();
  const forward = (from: Socket, to: Socket): void => {
    open.add(from);
    from.on('data', (data) => setTimeout(() => to.destroyed || to.write(data), proxy.delayMs));
    from.on('error', () => undefined);
    from.on('close', () => {
      open.delete(from);
      to.destroy();
    });
  };
  const server = createServer((client) => {
    const upstream = createConnection(target, '127.0.0.1');
    forward(client, upstream);
    forward(upstream, client);
  });
  const proxy: SlowProxy = {
    port: await listen(server),
    delayMs: 0,
    close() {
      for (const socket of open) socket.destroy();
      return stopListening(server);
    },
  };
  return proxy;
}
