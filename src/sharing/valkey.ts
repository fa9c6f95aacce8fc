import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { BURST_SECONDS, type Lease, type Leases, MAX_AHEAD_MS, PRESENT_MS, REMEMBERED_MS } from './leases';

export interface ValkeyOptions {
  url: string;
  pool: string;
  perSecond: number;
  /** Told whenever a connection can be used. */
  onReady: () => void;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** Announcements go out twice a second, so that a connection which is quiet for so long is dead. */
const QUIET_MS = 3_000;
const MAX_RECONNECT_MS = 1_000;
const GOODBYE_MS = 500;

/**
 * A token bucket by Valkey's own clock, filled at the rate that belongs to the replicas which draw from it. A replica that
 * fell silent, or says that it is not sharing, goes on with its own share: its part is not filled in here.
 *
 * Nobody takes more at once than its part of what there is. Where there is nothing, one call is promised for the time when
 * there will be: so replicas take turns, and the nearest gets no more than the others.
 *
 * A bucket that is not there starts empty, so that a restart of Valkey lets nothing through that was not waited for.
 */
const DRAW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, wanted, perSecond, capacity = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local sharing, known = ARGV[5] == '1', tonumber(ARGV[6])
local present, remembered, mostWait = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

redis.call('ZADD', KEYS[2], sharing and now or now - present, id)
redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, now - remembered)
redis.call('PEXPIRE', KEYS[2], remembered)
local replicas = math.max(redis.call('ZCARD', KEYS[2]), known)
local drawing = redis.call('ZCOUNT', KEYS[2], now - present + 1, '+inf')
local perMs = perSecond * drawing / replicas / 1000

local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local elapsed = math.max(0, now - (tonumber(bucket[2]) or now))
local tokens = math.min(capacity, (tonumber(bucket[1]) or 0) + elapsed * perMs)
local granted = math.min(wanted, math.max(1, math.floor(tokens / math.max(1, drawing))))
local wait = 0
if wanted > 0 and tokens < granted then wait = math.ceil((granted - tokens) / perMs) end
if wait > mostWait then granted, wait = 0, mostWait end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - granted), 'at', now)
redis.call('PEXPIRE', KEYS[1], remembered)
return { granted, wait, replicas }
`;

/** Connects in the background, and again whenever the connection is lost. Nothing is queued while there is none. */
export async function connectValkey({ url, pool, perSecond, onReady }: ValkeyOptions): Promise<Leases> {
  // Loaded only where it is used: it is as large as all the rest.
  const { createClient, defineScript } = await import('@redis/client');
  // In braces, so that a cluster keeps both in one place.
  const key = `genauth-rate:{${createHash('sha256').update(pool).digest('hex').slice(0, 16)}}`;
  const id = randomUUID();
  const capacity = Math.max(1, perSecond * BURST_SECONDS);
  const draw = defineScript({
    SCRIPT: DRAW,
    NUMBER_OF_KEYS: 2,
    parseCommand(parser, values: readonly (string | number)[]) {
      parser.pushKey(key);
      parser.pushKey(`${key}:replicas`);
      parser.push(...values.map(String));
    },
    transformReply: (reply: unknown): Lease => {
      const [granted, waitMs, replicas] = reply as [number, number, number];
      return { granted, waitMs, replicas };
    },
  });
  const client = createClient({
    url: url.replace(/^valkey/, 'redis'),
    scripts: { draw },
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: QUIET_MS,
      // With jitter, so that the replicas do not come back all at once.
      reconnectStrategy: (retries) => Math.min(MAX_RECONNECT_MS, 50 * 2 ** retries) * (0.5 + Math.random() / 2),
    },
  });
  let lastError: unknown = null;
  client.on('error', (error: unknown) => {
    lastError = error;
  });
  client.on('ready', () => {
    lastError = null;
    onReady();
  });
  // Ends only when the client is closed; until then errors are tried again.
  client.connect().catch(() => undefined);

  return {
    async draw({ wanted, sharing, knownReplicas }) {
      try {
        return await client.draw([
          id,
          wanted,
          perSecond,
          capacity,
          sharing ? 1 : 0,
          knownReplicas,
          PRESENT_MS,
          REMEMBERED_MS,
          MAX_AHEAD_MS,
        ]);
      } catch (error) {
        // That there is no connection says less than why there is none.
        throw lastError ?? error;
      }
    },
    async close() {
      const goodbye = client.zRem(`${key}:replicas`, id).catch(() => undefined);
      await Promise.race([goodbye, pause(GOODBYE_MS, undefined, { ref: false })]);
      client.destroy();
    },
  };
}
