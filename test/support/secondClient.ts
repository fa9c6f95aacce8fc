import { setTimeout as pause } from 'node:timers/promises';
import { run } from './process';

/** A client in a process of its own, so that the work of the test does not delay it. */
export interface SecondClient {
  /** Runs an action, and returns how long the slowest of the client's requests took meanwhile, in milliseconds. */
  slowestDuring(action: () => Promise<unknown>): Promise<number>;
  stop(): Promise<unknown>;
}

/** Sends `{ __typename }` every 5 ms, one request after another, and prints the duration of each. */
const CODE = `
  const [url, headers] = process.argv.slice(1);
  const request = { method: 'POST', headers: JSON.parse(headers), body: '{"query":"{ __typename }"}' };
  const send = async () => {
    const start = performance.now();
    const response = await fetch(url, request);
    const text = await response.text();
    if (text !== '{"data":{"__typename":"Query"}}') throw new Error(text);
    console.log(Math.ceil(performance.now() - start));
    setTimeout(send, 5);
  };
  void send();`;

/** Starts the client, and waits until it has got responses. */
export async function startSecondClient(url: string, headers: Record<string, string> = {}): Promise<SecondClient> {
  const sent = JSON.stringify({ 'content-type': 'application/json', ...headers });
  const client = run(['-e', CODE, `${url}/graphql`, sent]);
  await client.waitFor(/^(\d+\n){20}/);
  const durations = (): number[] => client.output().trim().split('\n').map(Number);
  return {
    async slowestDuring(action) {
      // The last request before the action may still be in progress.
      const first = durations().length;
      await action();
      const last = durations().length;
      // Until a request that was sent after the action has its response.
      while (durations().length < last + 2) await pause(5);
      return Math.max(...durations().slice(first));
    },
    stop: () => client.stop('SIGKILL'),
  };
}
