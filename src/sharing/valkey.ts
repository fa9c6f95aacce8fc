import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { BURST_SECONDS, type Lease, type Leases, MAX_AHEAD_MS, PRESENT_MS, REMEMBERED_MS } from './leases';

export interface ValkeyOptions {
  url: string;
  pool: string;
  perSecond: number;
  /** Called whenever a connection has become usable. */
  onReady: () => void;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** Heartbeats are sent twice a second, so a connection without traffic for this time is dead. */
const SOCKET_TIMEOUT_MS = 3_000;
const MAX_RECONNECT_MS = 1_000;
const CLOSE_TIMEOUT_MS = 500;

/**
 * A token bucket that uses Valkey's clock. Replicas that are not sharing, or have sent no heartbeat lately, use a fixed share
 * of the rate. The bucket is filled only at the rate that remains for the others.
 *
 * A lease contains at most an equal part of the tokens. If there are none, one call is promised for the time of the next
 * token; replicas therefore take turns, and a replica with a short round trip gets no more than the others.
 *
 * A new bucket is empty, so that a restart of Valkey does not allow a burst.
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

/** Connects in the background and reconnects whenever the connection is lost. Without a connection draws fail at once. */
export async function connectValkey({ url, pool, perSecond, onReady }: ValkeyOptions): Promise<Leases> {
  // Loaded only if it is used: it has 11 MB of files.
  const { createClient, defineScript } = await import('@redis/client');
  // The braces make a cluster store both keys on one node.
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
      socketTimeout: SOCKET_TIMEOUT_MS,
      // Jitter, so that replicas do not reconnect all at once.
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
  // Rejects only when the client is closed. Until then it reconnects after errors.
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
        // The reason why the connection was lost says more than the error that there is none.
        throw lastError ?? error;
      }
    },
    async close() {
      const removed = client.zRem(`${key}:replicas`, id).catch(() => undefined);
      await Promise.race([removed, pause(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
      client.destroy();
    },
  };
}
