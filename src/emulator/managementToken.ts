import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';

const HEADER = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');

/**
 * Issues and verifies management tokens: JWTs signed with a secret of this object.
 *
 * @see docs/genauth-api.md#management-token
 */
export class ManagementTokens {
  readonly #secret = randomBytes(32);
  #newest = '';

  issue(key: { accessKeyId: string; userPoolId: string }, life: { nowMs: number; seconds: number }): string {
    const issuedAt = Math.floor(life.nowMs / 1000);
    this.#newest = randomUUID();
    const claims = {
      scoped_userpool_id: key.userPoolId,
      token_type: 'management_token',
      access_key_type: 'userpool',
      access_key_id: key.accessKeyId,
      jti: this.#newest,
      iat: issuedAt,
      exp: issuedAt + life.seconds,
    };
    const signed = `${HEADER}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    return `${signed}.${this.#sign(signed).toString('base64url')}`;
  }

  /** Whether the token was issued here and has not expired. With `onlyNewest`, it must also be the newest. */
  verify(token: string, nowMs: number, onlyNewest: boolean): boolean {
    const [header, payload, signature, ...rest] = token.split('.');
    if (header !== HEADER || payload === undefined || signature === undefined || rest.length > 0) return false;
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#sign(`${header}.${payload}`);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { exp: number; jti: string };
    return nowMs < claims.exp * 1000 && (!onlyNewest || claims.jti === this.#newest);
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#secret).update(text).digest();
  }
}
