import { createHmac, randomUUID } from 'node:crypto';
import { type Dispatcher, Pool } from 'undici';
import { send } from '../response';
import type { SourceRow, UserRow } from '../users';

/** The GenAuth client of H and of every peer: signed calls with the least possible overhead, and no limits or retries. */
export interface GenAuth {
  /** Reads up to 50 users. */
  getUserBatch(userIds: readonly string[]): Promise<UserRow[]>;
  /** Reads the owners of up to 50 accounts at a source. */
  getOwners(extIdpId: string, accounts: readonly string[]): Promise<UserRow[]>;
  /** Reads the identity sources, by id. They are cached for a minute. */
  listSources(): Promise<ReadonlyMap<string, SourceRow>>;
  unlinkIdentity(request: {
    userId: string;
    extIdpId: string;
    type?: string | null;
  }): Promise<Envelope<{ success: boolean }>>;
}

export interface Envelope<Data> {
  statusCode: number;
  apiCode?: number;
  requestId?: string;
  data: Data;
}

export const MAX_BATCH = 50;

const SOURCES_FRESH_MS = 60_000;

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

  const path = '/api/v3/get-user-batch';
  let sources: Promise<ReadonlyMap<string, SourceRow>> | undefined;
  let sourcesReadAt = 0;

  async function readSources(): Promise<ReadonlyMap<string, SourceRow>> {
    const resource = '/api/v3/list-ext-idp';
    const request = { method: 'GET', path: resource, headers: sign('GET', resource) } as const;
    const { data } = await call<{ list: SourceRow[] }>(request);
    return new Map(data.list.map((source) => [source.id, source]));
  }

  return {
    async getUserBatch(userIds) {
      const headers = sign('GET', `${path}?userIds=${JSON.stringify(userIds)}&withIdentities=true`);
      const query = `userIds%5B%5D=${userIds.join('&userIds%5B%5D=')}&withIdentities=true`;
      const { data } = await call<UserRow[]>({ method: 'GET', path: `${path}?${query}`, headers });
      return data;
    },
    async getOwners(extIdpId, accounts) {
      const names = accounts.map((account) => `${extIdpId}:${account}`);
      const others = 'userIdType=identity';
      const headers = sign('GET', `${path}?${others}&userIds=${JSON.stringify(names)}&withIdentities=true`);
      const ids = names.map((name) => `userIds%5B%5D=${encodeURIComponent(name)}`).join('&');
      const query = `${ids}&${others}&withIdentities=true`;
      const { data } = await call<UserRow[]>({ method: 'GET', path: `${path}?${query}`, headers });
      return data;
    },
    listSources() {
      if (sources === undefined || performance.now() - sourcesReadAt > SOURCES_FRESH_MS) {
        sourcesReadAt = performance.now();
        sources = readSources();
        // The next request reads them again.
        sources.catch(() => (sources = undefined));
      }
      return sources;
    },
    unlinkIdentity({ userId, extIdpId, type }) {
      const unlinkPath = '/api/v3/unlink-identity';
      const typed = typeof type === 'string' ? { type } : {};
      const resource = `${unlinkPath}?extIdpId=${extIdpId}${typeof type === 'string' ? `&type=${type}` : ''}&userId=${userId}`;
      const headers = { ...sign('POST', resource), 'content-type': 'application/json' };
      return call({ method: 'POST', path: unlinkPath, headers, body: JSON.stringify({ userId, extIdpId, ...typed }) });
    },
  };
}
