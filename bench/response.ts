import type { Dispatcher } from 'undici';

/**
 * Sends a request and collects the response. It goes below `undici.request`, because streams would cost the load generator
 * more than the requests themselves.
 *
 * @param signal Closes the connection when it is aborted after the request has been started.
 */
export function send(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  signal: AbortSignal | null = null,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    dispatcher.dispatch(request, new Response(resolve, reject, signal));
  });
}

export class Response implements Dispatcher.DispatchHandler {
  status = 0;
  /** Of the body, in bytes. */
  length = 0;
  readonly #chunks: Buffer[] = [];
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: Error) => void;
  readonly #signal: AbortSignal | null;
  #abort = (): void => undefined;

  constructor(resolve: (response: Response) => void, reject: (error: Error) => void, signal: AbortSignal | null) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
  }

  text(): string {
    const [first] = this.#chunks;
    return (this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)).toString();
  }

  /** Required: undici takes a handler without this method for one of its older interface. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#signal === null) return;
    this.#abort = () => controller.abort(new Error('the client closed the connection'));
    if (this.#signal.aborted) this.#abort();
    else this.#signal.addEventListener('abort', this.#abort);
  }

  onResponseStart(_controller: unknown, status: number): void {
    this.status = status;
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.length += chunk.length;
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#resolve(this);
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#reject(error);
  }
}
