import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate as inflateZlib, inflateRaw, type ZlibOptions } from 'node:zlib';

type Inflate = (bytes: Buffer, options: Pick<ZlibOptions, 'maxOutputLength'>) => Promise<Buffer>;

const zlib: Inflate = promisify(inflateZlib);
const raw: Inflate = promisify(inflateRaw);

const INFLATE = {
  gzip: promisify(gunzip),
  // The zlib format (RFC 9110, section 8.4.1.2). Some clients send the bare DEFLATE format (RFC 1951) under this name.
  deflate: (bytes, options) => (hasZlibHeader(bytes) ? zlib : raw)(bytes, options),
  br: promisify(brotliDecompress),
} as const satisfies Record<string, Inflate>;

type Encoding = keyof typeof INFLATE;

/** The encodings of request bodies that are accepted beside `identity`. */
export const ENCODINGS = Object.keys(INFLATE).join(', ');

export function isSupportedEncoding(encoding: string): encoding is Encoding | 'identity' {
  return encoding === 'identity' || Object.hasOwn(INFLATE, encoding);
}

/** The bytes of a body do not have the encoding of its header, or there are too many of them when inflated. */
export class InflateError extends Error {
  override readonly name = 'InflateError';
  readonly reason: 'invalid' | 'too_large';

  constructor(reason: 'invalid' | 'too_large') {
    super(reason);
    this.reason = reason;
  }
}

/**
 * Inflates a body.
 *
 * @param maxBytes Inflating stops beyond it, so that a small body cannot take much memory.
 * @throws {InflateError}
 */
export async function inflate(bytes: Buffer, encoding: Encoding, maxBytes: number): Promise<Buffer> {
  try {
    return await INFLATE[encoding](bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    throw new InflateError((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too_large' : 'invalid');
  }
}

function hasZlibHeader(bytes: Buffer): boolean {
  return bytes.length >= 2 && (bytes.readUInt8(0) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
}
