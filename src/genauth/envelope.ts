import { JsonError, JsonReader } from '../json';
import type { Route } from './api';
import { ManagementRefusedError, ManagementUnreachableError, type Refusal, USER_NOT_FOUND } from './errors';
import { headerOf, type WireResponse } from './transport';

/** A successful response of the management API. */
export interface ApiResponse<Data> {
  /** The envelope's `data`, as the operation reads it; undefined where the envelope has none. */
  data: Data | undefined;
  apiCode: number | null;
  requestId: string | null;
}

/**
 * Values of an envelope's `statusCode` that prove that nothing was executed. Any other value but 200 proves nothing: 500,
 * 502 and 503 may come from after the execution, 6xx from GenAuth's own calls to identity providers.
 *
 * @see docs/genauth-api.md#error-codes
 */
const DEFINITE = new Set([400, 402, 403, 404, 409, 413, 422, 499, 501]);
const UNAVAILABLE = new Set([502, 503, 504]);
const NOT_LOGGED_IN = 2020;
/** "Signature already consumed": a copy of this request arrived earlier, and may have been executed. */
const REPLAYED = 1306;

/**
 * Decides what a response means. Any bytes lead to a successful response or to one of the two errors.
 *
 * @param readData Reads one JSON value, of any kind.
 * @throws {ManagementRefusedError} GenAuth refused, and nothing was executed.
 * @throws {ManagementUnreachableError} The response proves nothing; `sent` is `maybe`.
 * @see docs/genauth-api.md#envelope
 */
export function judge<Data>(
  route: Route,
  response: WireResponse,
  readData: (json: JsonReader) => Data,
): ApiResponse<Data> {
  const { status } = response;
  if (status === 429) {
    throw refused(route, 'rate_limited', {
      statusCode: 429,
      retryAfterMs: retryAfterMs(headerOf(response, 'retry-after')),
    });
  }
  if (status === 401) {
    const codes = readCodes(readEnvelope(response.body, skip) ?? {});
    if (codes.apiCode === REPLAYED) throw unusable(route, 'replayed');
    throw refused(route, 'credentials', { statusCode: 401, ...codes });
  }
  if (status >= 300 && status < 400) throw unusable(route, 'redirect');
  if (status === 500) throw unusable(route, 'internal_error');
  if (status > 500 || status < 200) throw unusable(route, 'http_error');
  const encoding = headerOf(response, 'content-encoding');
  if (encoding !== undefined && encoding !== 'identity') throw unusable(route, 'encoding');
  if (response.body.length === 0) throw unusable(route, status >= 400 ? rejectedBy(status) : 'empty');

  const envelope = readEnvelope(response.body, readData);
  if (envelope === undefined) throw unusable(route, status >= 400 ? rejectedBy(status) : 'not_json');
  if (envelope === null) throw unusable(route, status >= 400 ? rejectedBy(status) : 'shape');
  const { statusCode } = envelope;
  if (typeof statusCode !== 'number') throw unusable(route, status >= 400 ? rejectedBy(status) : 'shape');
  const codes = readCodes(envelope);
  if (statusCode === 200) {
    // An envelope that says 200 under an HTTP error contradicts itself.
    if (status >= 400) throw unusable(route, rejectedBy(status));
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
      retryAfterMs: retryAfterMs(headerOf(response, 'retry-after')),
    });
  }
  if (statusCode === 500) throw unusable(route, 'internal_error');
  if (UNAVAILABLE.has(statusCode)) throw unusable(route, 'upstream_error');
  if (!DEFINITE.has(statusCode)) throw unusable(route, 'upstream_unclear');
  throw refused(route, apiCode === USER_NOT_FOUND ? 'not_found' : 'rejected', { statusCode, ...codes });
}

/** Returns the reason for an HTTP 4xx without a usable envelope. */
function rejectedBy(status: number): 'http_rejected' | 'upstream_unclear' {
  return status === 404 ? 'upstream_unclear' : 'http_rejected';
}

const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Reads a Retry-After header: seconds or an HTTP date.
 *
 * @returns Milliseconds, clamped to 0 to 60 000; null for anything else.
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
  details: Omit<ConstructorParameters<typeof ManagementRefusedError>[1], 'refusal'>,
): ManagementRefusedError {
  return new ManagementRefusedError(route, { refusal, ...details });
}

function unusable(route: Route, reason: ManagementUnreachableError['reason']): ManagementUnreachableError {
  return new ManagementUnreachableError(route, reason, 'maybe');
}

/** The members of an envelope that this client uses. Only `data` has been checked. */
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
    // The range of GraphQL's Int: a larger number would turn the result of an executed unlink into a serialization error.
    apiCode: typeof apiCode === 'number' && Number.isInteger(apiCode) && (apiCode | 0) === apiCode ? apiCode : null,
    requestId: typeof requestId === 'string' && /^[!-~]{1,128}$/.test(requestId) ? requestId : null,
  };
}
