import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { ServerResponse } from 'node:http';
import type { Envelope } from '../genauth/api';
import { type Answer, gatewayAnswer, write } from './answer';
import type { FaultKind, Plan } from './faults';

const OVERSIZED_BYTES = 16 * 1024 * 1024;

/** Changes an envelope as the faults `no-data` and `wrong-shape` do. */
export function misshape(envelope: Envelope<unknown>, plan: Plan | null): Envelope<unknown> {
  const { data, ...rest } = envelope;
  if (data === undefined) return envelope;
  if (plan?.kind === 'no-data') return rest;
  if (plan?.kind !== 'wrong-shape') return envelope;
  // The samples in GenAuth's documentation show lists as one object.
  if (Array.isArray(data)) return { ...rest, data: (data as unknown[])[0] ?? {} };
  const isSuccess = typeof data === 'object' && data !== null && 'success' in data;
  return { ...rest, data: isSuccess ? { success: String(data.success) } : [data] };
}

/**
 * Writes a response as a fault requires.
 *
 * @param closing Aborted when the emulator closes. Ends a response that is written slowly.
 */
export async function writeSpoiled(
  response: ServerResponse,
  answer: Answer,
  plan: Plan,
  closing: AbortSignal,
): Promise<void> {
  const writer = WRITERS[plan.kind];
  if (writer === undefined) write(response, answer);
  else await writer(response, answer, plan.number, closing);
}

type Writer = (response: ServerResponse, answer: Answer, ms: number, closing: AbortSignal) => void | Promise<void>;

/** The faults that change how a response is written. All other kinds leave it as it is. */
const WRITERS: { readonly [K in FaultKind]?: Writer } = {
  'reset-after-execute': ({ socket }) => void socket?.resetAndDestroy(),
  'hang-after-execute': () => undefined,
  'execute-late': () => undefined,
  'half-close': ({ socket }) => void socket?.end(),
  garbage: ({ socket }) => void socket?.end('\u0000\u0001 this is not HTTP\r\n\r\n'),
  drip,
  'truncated-body'(response, { status, headers, body }) {
    const bytes = Buffer.from(body);
    response.writeHead(status, { ...headers, 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1), () => response.socket?.end());
  },
  'truncated-json'(response, { status, headers, body }) {
    const half = Buffer.from(body).subarray(0, Buffer.byteLength(body) >> 1);
    response.writeHead(status, { ...headers, 'content-length': half.length });
    response.end(half);
  },
  'not-json': (response) => write(response, gatewayAnswer(200)),
  empty: (response, answer) => write(response, { ...answer, body: '' }),
  'gzip-anyway'(response, { status, headers, body }) {
    const packed = gzipSync(body);
    response.writeHead(status, { ...headers, 'content-encoding': 'gzip', 'content-length': packed.length });
    response.end(packed);
  },
  // JSON permits white space at the end, so that only the size is wrong.
  oversized: (response, answer) => write(response, { ...answer, body: answer.body + ' '.repeat(OVERSIZED_BYTES) }),
};

async function drip(response: ServerResponse, { status, headers, body }: Answer, ms: number, closing: AbortSignal) {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  for (const byte of bytes) {
    if (response.destroyed) return;
    response.write(Buffer.of(byte));
    await sleep(ms, undefined, { signal: closing }).catch(() => undefined);
  }
  response.end();
}
