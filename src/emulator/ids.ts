import { randomBytes } from 'node:crypto';

/** Generates 24 hexadecimal digits, the form of GenAuth's ids. */
export function createId(): string {
  return randomBytes(12).toString('hex');
}
