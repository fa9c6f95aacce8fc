import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The origin of a server, such as `http://127.0.0.1:4001`. */
export function originOf(server: Server): string {
  const { family, address, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
