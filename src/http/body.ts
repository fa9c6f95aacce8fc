import type { IncomingMessage } from 'node:http';
import { EvictingSet } from './evictingSet';
import { inflate, isSupportedEncoding } from './contentEncoding';
import { Rejection } from './rejections';

const MAX_BODY_BYTES = 256 * 1024;
/** Bounds of the bodies that have not arrived completely. */
const MAX_INCOMPLETE = { entries: 1_024, bytes: 32 * 1024 * 1024 };

/** The only content type that is accepted: browsers send the others to any origin without a preflight request. */
const JSON_TYPE = /^application\/json[ \t]*(;|$)/i;

const EMPTY = Buffer.alloc(0);

/** A body that is being received. */
interface IncomingBody {
  reject: (rejection: Rejection) => void;
}

/** Reads the bodies of requests. Those that have not arrived completely are bounded in number and in bytes. */
export class BodyReader {
  readonly #incomplete = new EvictingSet<IncomingBody>(MAX_INCOMPLETE, ({ reject }) =>
    reject(new Rejection('OVERLOADED')),
  );

  /**
   * Reads a JSON body, inflated.
   *
   * @param onAccepted Called when the headers have been checked and the body is about to be read.
   * @throws {Rejection} The headers do not describe a JSON body; the body is too large; or too many are being received.
   * @throws {InflateError}
   */
  async read(request: IncomingMessage, onAccepted: () => void): Promise<Buffer> {
    const { 'content-type': type = '', 'content-length': length = '0' } = request.headers;
    const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
    if (!JSON_TYPE.test(type)) throw new Rejection(415);
    if (!isSupportedEncoding(encoding)) throw new Rejection('UNSUPPORTED_ENCODING');
    if (Number(length) > MAX_BODY_BYTES) throw new Rejection(413);
    onAccepted();
    const bytes = await this.#receive(request);
    return encoding === 'identity' ? bytes : inflate(bytes, encoding, MAX_BODY_BYTES);
  }

  #receive(request: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let bytes: Buffer | null = EMPTY;
      let length = 0;
      const body: IncomingBody = {
        reject: (rejection) => {
          bytes = null;
          this.#incomplete.delete(body);
          reject(rejection);
        },
      };
      this.#incomplete.add(body, 0);
      request.on('data', (chunk: Buffer) => {
        if (bytes === null) return;
        if (length + chunk.length > MAX_BODY_BYTES) return body.reject(new Rejection(413));
        if (length === 0) bytes = chunk;
        else {
          // One growing buffer: a body that arrives byte by byte must not become a list of 256 Ki small buffers.
          if (length + chunk.length > bytes.length) bytes = Buffer.concat([bytes], (length + chunk.length) * 2);
          chunk.copy(bytes, length);
        }
        length += chunk.length;
        this.#incomplete.add(body, chunk.length);
      });
      request.on('end', () => {
        this.#incomplete.delete(body);
        if (bytes !== null) resolve(bytes.subarray(0, length));
      });
      // The client has closed the connection, so that this rejection is only logged.
      request.on('error', () => body.reject(new Rejection(400)));
    });
  }
}
