import { createHmac, randomUUID } from 'node:crypto';
import { type Dispatcher, Pool } from 'undici';
import { send } from '../response';
import type { IdentityRow } from '../users';

/** The GenAuth client of H and of every peer: signed calls with the least possible overhead, and no limits or retries. */
export interface GenAuth {
  /** Reads up to 50 users. */
  getUserBatch(userIds: readonly string[]): Promise<UserRow[]>;
  unlinkIdentity(request: {
    userId: string;
    extIdpId: string;
    type?: string | null;
  }): Promise<Envelope<{ success: boolean }>>;
}

export interface UserRow {
  userId: string;
  identities: IdentityRow[];
}

export interface Envelope<Data> {
  statusCode: number;
  apiCode?: number;
  requestId?: string;
  data: Data;
}

export const MAX_BATCH = 50;

const CONSTANT = {
  'x-genauth-lang': 'en-US',
  'x-genauth-signature-method': 'HMAC-SHA1',
  'x-genauth-signature-version': '1.0',
  accept: 'application/json',
};

export function createGenAuth(): GenAuth {
  const { GENAUTH_HOST = '', GENAUTH_ACCESS_KEY_ID = '', GENAUTH_ACCESS_KEY_SECRET = '' } = process.env;
  const pool = new Pool(GENAUTH_HOST, { connections: 64, pipelining: 1 });

  function sign(method: string, resource: string): Record<string, string> {
    const date = new Date().toUTCString();
    const nonce = randomUUID();
    const text = `${method}\ndate:${date}\nx-genauth-lang:en-US\nx-genauth-signature-method:HMAC-SHA1\nx-genauth-signature-nonce:${nonce}\nx-genauth-signature-version:1.0\n${resource}`;
    const signature = createHmac('sha1', GENAUTH_ACCESS_KEY_SECRET).update(text).digest('base64');
    return {
      ...CONSTANT,
      date,
      'x-genauth-signature-nonce': nonce,
      authorization: `GenAuth ${GENAUTH_ACCESS_KEY_ID}:${signature}`,
    };
  }

  async function call<Data>(request: Dispatcher.DispatchOptions): Promise<Envelope<Data>> {
    const envelope = JSON.parse((await send(pool, request)).text()) as Envelope<Data>;
    if (envelope.statusCode !== 200) throw new Error(`GenAuth answered ${envelope.statusCode}`);
    return envelope;
  }

  return {
    async getUserBatch(userIds) {
      const path = '/api/v3/get-user-batch';
      const headers = sign('GET', `${path}?userIds=${JSON.stringify(userIds)}&withIdentities=true`);
      const query = `userIds%5B%5D=${userIds.join('&userIds%5B%5D=')}&withIdentities=true`;
      const { data } = await call<UserRow[]>({ method: 'GET', path: `${path}?${query}`, headers });
      return data;
    },
    unlinkIdentity({ userId, extIdpId, type }) {
      const path = '/api/v3/unlink-identity';
      const typed = typeof type === 'string' ? { type } : {};
      const resource = `${path}?extIdpId=${extIdpId}${typeof type === 'string' ? `&type=${type}` : ''}&userId=${userId}`;
      const headers = { ...sign('POST', resource), 'content-type': 'application/json' };
      return call({ method: 'POST', path, headers, body: JSON.stringify({ userId, extIdpId, ...typed }) });
    },
  };
}
