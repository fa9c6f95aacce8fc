import type { UpstreamResult } from '../audit';
import { type Acknowledgement, ManagementError, ManagementRefusedError, ManagementUnreachableError } from '../genauth';

/**
 * How one request of a write ended.
 *
 * - `acked`: GenAuth confirmed it.
 * - `refused`: GenAuth refused the write itself.
 * - `not_sent`: it was certainly not executed. The reason does not concern the write, for example a rate limit.
 * - `lost`: there is no usable response, and it may have been executed.
 */
export interface SentRequest {
  outcome: 'acked' | 'refused' | 'not_sent' | 'lost';
  upstream: UpstreamResult;
  /** The reason for `not_sent` and `lost`. */
  error: unknown;
}

export const NO_RESPONSE: UpstreamResult = { statusCode: null, apiCode: null, requestId: null, attempts: 0 };

/** Sends one request of a write. Never fails. */
async function send(request: () => Promise<Acknowledgement>): Promise<SentRequest> {
  try {
    const { apiCode, requestId, attempts } = await request();
    return { outcome: 'acked', upstream: { statusCode: 200, apiCode, requestId, attempts }, error: null };
  } catch (error) {
    const attempts = error instanceof ManagementError ? error.attempts : 1;
    if (error instanceof ManagementRefusedError) {
      const { statusCode, apiCode, requestId, refusal } = error;
      const isFinal = refusal === 'rejected' || refusal === 'not_found';
      return {
        outcome: isFinal ? 'refused' : 'not_sent',
        upstream: { statusCode, apiCode, requestId, attempts },
        error,
      };
    }
    // Any other error leaves the outcome open, unless it proves that nothing was sent.
    const isUnsent = error instanceof ManagementUnreachableError && error.sent === 'no';
    return { outcome: isUnsent ? 'not_sent' : 'lost', upstream: { ...NO_RESPONSE, attempts }, error };
  }
}

/**
 * Sends the requests of one write, one after another, each with an `Idempotency-Key` of its own. Stops after a request that
 * was not sent, because the next one would not be sent either. Never fails.
 */
export async function sendAll<Part>(
  parts: readonly Part[],
  operationId: string,
  request: (part: Part, idempotencyKey: string) => Promise<Acknowledgement>,
): Promise<SentRequest[]> {
  const sent: SentRequest[] = [];
  for (const [index, part] of parts.entries()) {
    const idempotencyKey = index === 0 ? operationId : `${operationId}-${index + 1}`;
    const result = await send(() => request(part, idempotencyKey));
    sent.push(result);
    if (result.outcome === 'not_sent') break;
  }
  return sent;
}

/** The response that decides: the refused one, otherwise the last. Attempts are those of all requests. */
export function decidingResponse(sent: readonly SentRequest[]): UpstreamResult {
  const deciding = sent.find(({ outcome }) => outcome === 'refused') ?? sent.at(-1);
  const attempts = sent.reduce((sum, { upstream }) => sum + upstream.attempts, 0);
  return { statusCode: null, apiCode: null, requestId: null, ...deciding?.upstream, attempts };
}
