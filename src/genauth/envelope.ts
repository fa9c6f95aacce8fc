import { JsonError, JsonReader } from '../json';
import type { Route } from './api';
import { ManagementRefusedError, ManagementUnreachableError, type Refusal, USER_NOT_FOUND } from './errors';
import { type Exchange, headerOf } from './transport';

/** A successful answer. */
export interface Answer<Data> {
  /** As the operation reads it; undefined where there is none. */
  data: Data | undefined;
  apiCode: number | null;
  requestId: string | null;
}

// "The valid envelopes that say a definite no" (contract.md, section 4). Anything else that is not 200 may have been
// executed: 500, 502 and 503 come from behind the point of no return, 6xx from GenAuth's own calls to others.
const DEFINITE = new Set([400, 402, 403, 404, 409, 413, 422, 499, 501]);
const FAILURES = new Set([500, 502, 503, 504]);
const NOT_LOGGED_IN = 2020;
/** "Signature already consumed": a copy of this very request arrived before, so that one may have been executed. */
const REPLAYED = 1306;

/**
 * Decides what an answer means. Total: any bytes whatever give an answer or one of the two errors.
 *
 * @param readData Reads one value, whatever it is.
 * @throws {ManagementRefusedError} GenAuth said no, and nothing was executed.
 * @throws {ManagementUnreachableError} The answer proves nothing; `sent` is `maybe`.
 */
export function judge<Data>(route: Route, exchange: Exchange, readData: (json: JsonReader) => Data): Answer<Data> {
  const { status } = exchange;
  if (status === 429) {
    throw refused(route, 'rate_limited', {
      statusCode: 429,
      retryAfterMs: retryAfterMs(headerOf(exchange, 'retry-after')),
    });
  }
  if (status === 401) {
    const codes = readCodes(readEnvelope(exchange.body, skip) ?? {});
    if (codes.apiCode === REPLAYED) throw unusable(route, 'replayed');
    throw refused(route, 'credentials', { statusCode: 401, ...codes });
  }
  if (status >= 300 && status < 400) throw unusable(route, 'redirect');
  if (status >= 500 || status < 200) throw unusable(route, 'http_error');
  const encoding = headerOf(exchange, 'content-encoding');
  if (encoding !== undefined && encoding !== 'identity') throw unusable(route, 'encoding');
  if (exchange.body.length === 0) throw unusable(route, status >= 400 ? 'http_error' : 'empty');

  const envelope = readEnvelope(exchange.body, readData);
  if (envelope === undefined) throw unusable(route, status >= 400 ? 'http_error' : 'not_json');
  if (envelope === null) throw unusable(route, 'shape');
  const { statusCode } = envelope;
  if (typeof statusCode !== 'number') throw unusable(route, status >= 400 ? 'http_error' : 'shape');
  const codes = readCodes(envelope);
  if (statusCode === 200) {
    // An envelope that says 200 under an HTTP error contradicts itself.
    if (status >= 400) throw unusable(route, 'http_error');
    return { data: envelope.data, apiCode: codes.apiCode, requestId: codes.requestId };
  }
  const { apiCode } = codes;
  if (apiCode === REPLAYED) throw unusable(route, 'replayed');
  if (statusCode === 401 || apiCode === NOT_LOGGED_IN || (apiCode !== null && apiCode >= 1300 && apiCode < REPLAYED)) {
    throw refused(route, 'credentials', { statusCode, ...codes });
  }
  if (statusCode === 429) {
    throw refused(route, 'rate_limited', {
      statusCode,
      ...codes,
      retryAfterMs: retryAfterMs(headerOf(exchange, 'retry-after')),
    });
  }
  if (FAILURES.has(statusCode)) throw unusable(route, 'upstream_error');
  if (!DEFINITE.has(statusCode)) throw unusable(route, 'upstream_unclear');
  throw refused(route, statusCode === 404 || apiCode === USER_NOT_FOUND ? 'not_found' : 'rejected', {
    statusCode,
    ...codes,
  });
}

const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Reads a Retry-After header: seconds or an HTTP date, clamped to 0 to 60 000 ms.
 *
 * @returns null for anything else.
 */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  const ms = /^\d{1,10}$/.test(text)
    ? Number(text) * 1000
    : /^[A-Z][a-z]{2}, /.test(text)
      ? Date.parse(text) - now
      : NaN;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

function refused(
  route: Route,
  refusal: Refusal,
  answer: Omit<ConstructorParameters<typeof ManagementRefusedError>[1], 'refusal'>,
): ManagementRefusedError {
  return new ManagementRefusedError(route, { refusal, ...answer });
}

function unusable(route: Route, reason: ManagementUnreachableError['reason']): ManagementUnreachableError {
  return new ManagementUnreachableError(route, reason, 'maybe');
}

/** What is looked at of an envelope, nothing of it checked but `data`. */
interface RawEnvelope<Data> {
  statusCode?: unknown;
  apiCode?: unknown;
  requestId?: unknown;
  data?: Data;
}

/** @returns undefined when it is not JSON, null when it is not an object. */
function readEnvelope<Data>(body: Buffer, readData: (json: JsonReader) => Data): RawEnvelope<Data> | null | undefined {
  try {
    return JsonReader.read(body, (json) => {
      if (json.kind() !== 'object') return skip(json);
      const envelope: RawEnvelope<Data> = {};
      json.enter();
      while (json.nextKey()) {
        if (json.isKey('data')) envelope.data = readData(json);
        else if (json.isKey('statusCode')) envelope.statusCode = json.value();
        else if (json.isKey('apiCode')) envelope.apiCode = json.value();
        else if (json.isKey('requestId')) envelope.requestId = json.value();
        else json.skip();
      }
      return envelope;
    });
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function skip(json: JsonReader): null {
  json.skip();
  return null;
}

function readCodes({ apiCode, requestId }: RawEnvelope<unknown>): {
  apiCode: number | null;
  requestId: string | null;
} {
  return {
    // GraphQL's Int: a larger number would turn an executed unlink into a serialization error.
    apiCode: typeof apiCode === 'number' && Number.isInteger(apiCode) && (apiCode | 0) === apiCode ? apiCode : null,
    requestId: typeof requestId === 'string' && /^[!-~]{1,128}$/.test(requestId) ? requestId : null,
  };
}
