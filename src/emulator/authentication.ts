import type { IncomingHttpHeaders } from 'node:http';
import { timingSafeEqual } from 'node:crypto';
import { type AccessKey, authorization, type Brand, canonicalize } from '../genauth/signature';
import { API_CODE, Refusal } from './envelope';
import type { ManagementTokens } from './managementToken';
import type { RequestData } from './request';
import type { Switches } from './switches';

/** The parts of a request that authentication reads. */
export interface AuthenticatedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  data: RequestData;
}

/** Bounds the memory under load. Beyond this number the oldest signatures are forgotten early. */
const MAX_REMEMBERED = 100_000;

/**
 * Checks that a request comes from the holder of the access key: by a signature of either brand, or by a management token
 * with the header of its user pool.
 *
 * @see docs/genauth-api.md#authentication
 */
export class Authenticator {
  readonly #key: AccessKey;
  readonly #userPoolId: string;
  readonly #tokens: ManagementTokens;
  /** Accepted signatures, oldest first, and the time until which each is remembered. */
  readonly #consumed = new Map<string, number>();

  constructor(key: AccessKey, userPoolId: string, tokens: ManagementTokens) {
    this.#key = key;
    this.#userPoolId = userPoolId;
    this.#tokens = tokens;
  }

  /**
   * @param now Epoch milliseconds by the clock of the emulator.
   * @throws {Refusal} 401 by default, with apiCode 1300 to 1306 for a signature and 2020 for everything else.
   */
  check(request: AuthenticatedRequest, switches: Switches, now: number): void {
    const header = request.headers.authorization ?? '';
    const brand = header.startsWith('GenAuth ') ? 'genauth' : header.startsWith('authing ') ? 'authing' : null;
    if (brand === null) return this.#checkToken(header, request.headers, switches, now);
    if (switches.signatureBrand !== 'both' && switches.signatureBrand !== brand) throw notLoggedIn();
    this.#checkSignature(request, header, brand, switches, now);
  }

  /** Checks the headers first, then the replay, then the signature: docs/genauth-api.md#request-signing. */
  #checkSignature(request: AuthenticatedRequest, given: string, brand: Brand, switches: Switches, now: number): void {
    const { headers } = request;
    const refused = (text: keyof typeof API_CODE & Refusal['text']) =>
      new Refusal(switches.signatureStatusCode, text, { apiCode: API_CODE[text] });

    if (headers[`x-${brand}-signature-method`] !== 'HMAC-SHA1') throw refused('signatureMethod');
    if (headers[`x-${brand}-signature-version`] !== '1.0') throw refused('signatureVersion');
    // The C# SDK of the authing brand sends the date in this header.
    const date = headers.date ?? headers[`x-${brand}-date`];
    if (typeof date !== 'string') throw refused('dateMissing');
    const at = readDate(date, switches.dateFormat);
    if (at === null) throw refused('dateMalformed');
    if (Math.abs(now - at) > switches.skewWindowMs) throw refused('dateSkewed');
    // The nonce is one of the signed headers, so two requests with different nonces have different signatures.
    if ((this.#consumed.get(given) ?? -Infinity) > now) throw refused('replayed');
    if (!this.#matches(request, given, brand, switches)) throw refused('signature');
    this.#consume(given, now, switches.nonceMemoryMs);
  }

  #matches(
    { method, path, headers, data }: AuthenticatedRequest,
    given: string,
    brand: Brand,
    switches: Switches,
  ): boolean {
    const signed: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) if (typeof value === 'string') signed[name] = value;
    const paths = [path];
    // When every parameter is undefined, the vendor SDK signs a path that ends in "?" and sends one without.
    if (switches.trailingQuestionMark === 'accept' && Object.keys(data).length === 0) paths.push(`${path}?`);
    return paths.some((variant) =>
      equal(
        given,
        authorization(canonicalize({ method, path: variant, headers: signed, data }, brand), this.#key, brand),
      ),
    );
  }

  #consume(signature: string, now: number, memoryMs: number): void {
    if (memoryMs === 0) return;
    for (const [oldest, until] of this.#consumed) {
      if (until > now && this.#consumed.size < MAX_REMEMBERED) break;
      this.#consumed.delete(oldest);
    }
    this.#consumed.set(signature, now + memoryMs);
  }

  #checkToken(header: string, headers: IncomingHttpHeaders, switches: Switches, now: number): void {
    const bearer = /^Bearer (.+)$/i.exec(header)?.[1];
    const token = bearer ?? (switches.rawToken === 'accept' ? header : '');
    if (!this.#tokens.verify(token, now, switches.validTokens === 'newest')) throw notLoggedIn();
    const pools = (['genauth', 'authing'] as const)
      .filter((brand) => switches.userPoolHeader !== (brand === 'genauth' ? 'authing' : 'genauth'))
      .map((brand) => headers[`x-${brand}-userpool-id`])
      .filter((pool) => pool !== undefined);
    if (pools.length === 0 && switches.userPoolHeader !== 'none') throw notLoggedIn();
    if (pools.some((pool) => pool !== this.#userPoolId)) throw notLoggedIn();
  }
}

/** Whether the key in a get-management-token request is the key of this user pool. */
export function isAccessKey(given: AccessKey, key: AccessKey): boolean {
  return equal(given.accessKeyId, key.accessKeyId) && equal(given.accessKeySecret, key.accessKeySecret);
}

function notLoggedIn(): Refusal {
  return new Refusal(401, 'notLoggedIn', { apiCode: API_CODE.notLoggedIn });
}

/** Parses a `date` header. @returns Epoch milliseconds, or null. */
function readDate(text: string, format: Switches['dateFormat']): number | null {
  if (format !== 'utc' && /^\d{13}$/.test(text)) return Number(text);
  if (format === 'ms' || !/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

function equal(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
