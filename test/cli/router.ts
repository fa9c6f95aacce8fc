import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen, stopListening } from '../support/listen';

/** What a router does with a request. */
export type Behaviour =
  | 'forward'
  /** Closes the connection: the request is never executed. */
  | 'lose request'
  /** Executes the request, and closes the connection. */
  | 'lose response'
  /** Executes the request, and responds with its own timeout, as routers do: without an `outcome`. */
  | 'time out'
  /** Responds with an HTML page. */
  | 'page';

/** A router between clients and a gateway, which can fail. */
export interface Router {
  url: string;
  /** Called with the document of each request. Default: forwards. */
  behave: (query: string) => Behaviour;
  /** The number of requests so far. */
  requests: number;
  close(): Promise<void>;
}

export async function startRouter(target: string): Promise<Router> {
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing));
  const router: Router = {
    url: `http://127.0.0.1:${await listen(server)}/graphql`,
    behave: () => 'forward',
    requests: 0,
    close: () => stopListening(server),
  };

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    router.requests++;
    const body = await buffer(incoming);
    const { query } = JSON.parse(body.toString()) as { query: string };
    const behaviour = router.behave(query);
    if (behaviour === 'lose request') return void outgoing.destroy();
    if (behaviour === 'page') {
      return void outgoing.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
    }
    const { headers } = incoming;
    const forwarded = request(target, { method: 'POST', headers }, (response) => {
      if (behaviour === 'forward')
        return void response.pipe(outgoing.writeHead(response.statusCode ?? 502, response.headers));
      response.resume().on('end', () => {
        if (behaviour === 'lose response') return void outgoing.destroy();
        const errors = [{ message: 'Request timed out', extensions: { code: 'REQUEST_TIMEOUT' } }];
        outgoing.writeHead(504, { 'content-type': 'application/json' }).end(JSON.stringify({ data: null, errors }));
      });
    });
    forwarded.on('error', () => outgoing.destroy());
    forwarded.end(body);
  }
  return router;
}
