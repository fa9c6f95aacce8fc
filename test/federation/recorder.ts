import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen, stopListening } from '../support/listen';

/** A request that a gateway sent to a subgraph. */
export interface Recorded {
  method: string | undefined;
  headers: IncomingHttpHeaders;
  /** Empty if the request has none. */
  query: string;
}

/** An HTTP server between a gateway and a subgraph, which records requests and changes nothing. */
export interface Recorder {
  readonly url: string;
  readonly requests: Recorded[];
  close(): Promise<void>;
}

/** @param target The GraphQL endpoint of the subgraph. */
export async function startRecorder(target: string): Promise<Recorder> {
  const requests: Recorded[] = [];
  const server = createServer((incoming, outgoing) => {
    const forward = async (): Promise<void> => {
      const body = await buffer(incoming);
      const { query = '' } = (body.length === 0 ? {} : JSON.parse(body.toString())) as { query?: string };
      const { method, headers, url = '' } = incoming;
      requests.push({ method, headers, query });
      const forwarded = request(new URL(url, target), { method, headers }, (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      });
      forwarded.on('error', () => outgoing.destroy());
      forwarded.end(body);
    };
    void forward();
  });
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}/graphql`, requests, close: () => stopListening(server) };
}
