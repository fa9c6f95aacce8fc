import { setTimeout as pause } from 'node:timers/promises';
import { run } from './process';

/** A client in a process of its own, so that the work of the test does not delay it. */
export interface SecondClient {
  /** Runs an action, and waits until a request that was sent after it has its response. */
  during<Result>(action: () => Promise<Result>): Promise<Result>;
  stop(): Promise<unknown>;
}

/** Sends `{ __typename }` every 5 ms, one request after another, and prints a line for each. */
const CODE = `
  const [url, headers] = process.argv.slice(1);
  const request = { method: 'POST', headers: JSON.parse(headers), body: '{"query":"{ __typename }"}' };
  const send = async () => {
    const response = await fetch(url, request);
    const text = await response.text();
    if (text !== '{"data":{"__typename":"Query"}}') throw new Error(text);
    console.log('response');
    setTimeout(send, 5);
  };
  void send();`;

/** Starts the client, and waits until it has got responses. */
export async function startSecondClient(url: string, headers: Record<string, string> = {}): Promise<SecondClient> {
  const sent = JSON.stringify({ 'content-type': 'application/json', ...headers });
  const client = run(['-e', CODE, `${url}/graphql`, sent]);
  await client.waitFor(/^(response\n){20}/);
  const responses = (): number => client.output().split('\n').length;
  return {
    async during(action) {
      const result = await action();
      const count = responses();
      while (responses() < count + 2) await pause(5);
      return result;
    },
    stop: () => client.stop('SIGKILL'),
  };
}
