import type { AddressInfo } from 'node:net';

/** Says that a contender serves, in the words of the product's own log. */
export function announce({ port }: Pick<AddressInfo, 'port'>): void {
  process.stdout.write(`${JSON.stringify({ port, msg: 'ready' })}\n`);
}
