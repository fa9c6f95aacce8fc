import type { AddressInfo } from 'node:net';

/** Logs that a contender is ready, in the format of the product's own log. */
export function announce({ port }: Pick<AddressInfo, 'port'>): void {
  process.stdout.write(`${JSON.stringify({ port, msg: 'ready' })}\n`);
}
