import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ManagementClient, type ManagementClientOptions } from '../../src/genauth';

export interface ReceivedRequest {
  /** Method and path, without the query: a route. */
  route: string;
  /** As received, percent-encoded. */
  query: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An HTTP status, or the envelope to send under HTTP 200. */
export type Reply = number | Record<string, unknown>;

/** A server that records every request and sends configured responses. Unlike the emulator, it checks nothing. */
export class ManagementStub {
  readonly requests: ReceivedRequest[] = [];
  /** Default: success without data. */
  reply: (request: ReceivedRequest) => Reply | Promise<Reply> = () => ({ statusCode: 200, message: '' });
  readonly #server: Server;
  readonly #clients: ManagementClient[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const [path, query = ''] = (request.url ?? '').split('?');
        void this.#answer({ route: `${request.method} ${path}`, query, headers: request.headers, body }, response);
      });
    });
  }

  static async start(): Promise<ManagementStub> {
    const stub = new ManagementStub();
    stub.#server.listen(0, '127.0.0.1');
    await once(stub.#server, 'listening');
    return stub;
  }

  /** A client of this stub, which is closed together with it. */
  client(options: Partial<ManagementClientOptions> = {}): ManagementClient {
    const client = new ManagementClient({
      origin: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      accessKey: { accessKeyId: 'userpool0000000000000001', accessKeySecret: 'secret0000000000000000000000abcd' },
      authentication: 'signature',
      brand: 'genauth',
      lang: 'en-US',
      userPoolId: null,
      idPattern: '^[0-9a-f]{24}$',
      connectTimeoutMs: 30_000,
      readTimeoutMs: 30_000,
      writeTimeoutMs: 30_000,
      maxConcurrency: 32,
      maxQps: 1_000_000,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  first(): ReceivedRequest {
    const [request] = this.requests;
    if (request === undefined) throw new Error('nothing was received');
    return request;
  }

  routes(): string[] {
    return this.requests.map(({ route }) => route);
  }

  async #answer(request: ReceivedRequest, response: ServerResponse): Promise<void> {
    this.requests.push(request);
    const reply = await this.reply(request);
    if (typeof reply === 'number') response.writeHead(reply).end();
    else response.end(JSON.stringify(reply));
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

export const SUCCESS = {
  statusCode: 200,
  message: 'Success',
  requestId: '934108e5-9fbf-4d24',
  data: { success: true },
};
