import { writeFileSync } from 'node:fs';
import { ManagementClient } from '../../src/genauth';
import { createSharedRateLimit } from '../../src/sharing';

/**
 * One replica under more load than the rate allows. Prints a line for every change of sharing. On SIGTERM, writes the times of
 * its calls to a file: epoch milliseconds, one per line.
 */
async function main(): Promise<void> {
  const [, , url = '', id = '', secret = '', userId = '', valkeyUrl = '', perSecond = '', file = ''] = process.argv;
  const maxQps = Number(perSecond);
  const times: number[] = [];
  const shared = await createSharedRateLimit({
    url: valkeyUrl,
    pool: url,
    perSecond: maxQps,
    onChange: (change) => process.stdout.write(`${JSON.stringify(change)}\n`),
  });
  const client = new ManagementClient({
    origin: url,
    accessKey: { accessKeyId: id, accessKeySecret: secret },
    authentication: 'signature',
    brand: 'genauth',
    lang: 'en-US',
    userPoolId: null,
    idPattern: '^[0-9a-f]{24}$',
    connectTimeoutMs: 5_000,
    readTimeoutMs: 5_000,
    writeTimeoutMs: 5_000,
    maxConcurrency: 32,
    maxQps,
    rateLimit: {
      take() {
        const waitMs = shared.take();
        if (waitMs === 0) times.push(Date.now());
        return waitMs;
      },
    },
  });
  const leaving = new AbortController();
  process.on('SIGTERM', () => leaving.abort());
  const load = async (): Promise<void> => {
    while (!leaving.signal.aborted) {
      const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(9_000)]);
      await client.getUserBatch([client.parseId('userId', userId)], { deadline: signal }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: 24 }, load));
  await Promise.all([shared.close(), client.close()]);
  writeFileSync(file, times.join('\n'));
}

void main();
