import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { ServerResponse } from 'node:http';
import type { Envelope } from '../genauth/api';
import type { FaultKind, Plan } from './faults';

/** An answer that is ready to be written. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const OVERSIZED_BYTES = 16 * 1024 * 1024;

export function jsonAnswer(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'content-type': JSON_TYPE, ...headers }, body: JSON.stringify(value) };
}

/** What stands between the caller and the service answers in HTML. */
export function gatewayAnswer(status: number): Answer {
  const body = `<html>\r\n<head><title>${status}</title></head>\r\n<body><center><h1>${status}</h1></center></body>\r\n</html>\r\n`;
  return { status, headers: { 'content-type': 'text/html' }, body };
}

/** Writes an answer whole. */
export function write(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Spoils an envelope that says something else than it should. */
export function misshape(envelope: Envelope<unknown>, plan: Plan | null): Envelope<unknown> {
  const { data, ...rest } = envelope;
  if (data === undefined) return envelope;
  if (plan?.kind === 'no-data') return rest;
  if (plan?.kind !== 'wrong-shape') return envelope;
  // As the documentation's generated samples have it, lists come as one object.
  if (Array.isArray(data)) return { ...rest, data: (data as unknown[])[0] ?? {} };
  const isSuccess = typeof data === 'object' && data !== null && 'success' in data;
  return { ...rest, data: isSuccess ? { success: String(data.success) } : [data] };
}

/**
 * Writes an answer the way a fault has it.
 *
 * @param closing Aborted when the emulator closes: ends an answer that takes its time.
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

/** The faults of the way back. A kind that is not here spoils nothing that is written. */
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
  // White space after a JSON document is part of it: only the size is wrong.
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
