import assert from 'node:assert/strict';
import {
  createTransport,
  type Transport,
  type TransportOptions,
  type WireRequest,
  type WireResponse,
} from '../../src/genauth/transport';
import { FaultyServer } from '../support/faultyServer';

export const POST: WireRequest = {
  method: 'POST',
  path: '/api/v3/unlink-identity',
  headers: ['x-test', '1'],
  body: '{"userId":"u1"}',
};
/** The body of the server's response if it has no fault. */
export const BODY = '{"statusCode":200,"message":"","data":{}}';
/** Milliseconds that no test needs. */
export const AMPLE = 30_000;

/** A transport to a server that can be made faulty. */
export class TransportFixture {
  server: FaultyServer;
  transport: Transport | undefined;

  private constructor(server: FaultyServer) {
    this.server = server;
  }

  static async start(): Promise<TransportFixture> {
    return new TransportFixture(await FaultyServer.start());
  }

  async close(): Promise<void> {
    await this.transport?.close();
    await this.server.close();
  }

  /** Creates the transport, with one connection unless an option says otherwise. */
  open(options: Partial<TransportOptions> = {}): Transport {
    const { origin } = this.server;
    this.transport = createTransport({ origin, connectTimeoutMs: AMPLE, maxConnections: 1, ...options });
    return this.transport;
  }

  send(request = POST, { timeoutMs = AMPLE, deadline = new AbortController().signal } = {}): Promise<WireResponse> {
    return (this.transport ?? this.open()).send(request, { timeoutMs, deadline });
  }
}

/** Expects that the next request is served, and that no request arrived before it except those that the test knows of. */
export async function expectStillServing(fixture: TransportFixture, requestsBefore: number): Promise<void> {
  fixture.server.fault = 'answer';
  const { status, body } = await fixture.send();
  assert.deepEqual({ status, body: body.toString() }, { status: 200, body: BODY });
  assert.equal(fixture.server.requests.length, requestsBefore + 1);
}
