import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { EvictingSet } from './evictingSet';

/** Maximum number of connections. */
const MAX_CONNECTIONS = 4_096;
/** Maximum number of connections on which no request has been authenticated yet. */
const MAX_UNAUTHENTICATED = 1_024;
/** How long a connection is read after its last response, and how many bytes of it, before it is destroyed. */
const LINGER = { ms: 1_000, bytes: 16 * 1024 * 1024, checkMs: 50 };

/**
 * Why a connection was dropped: there are too many; it has not authenticated and had to make room; its client does not read
 * its responses.
 */
export type DropReason = 'limit' | 'unauthenticated' | 'slow_reader';

export interface ConnectionsOptions {
  /** Milliseconds that an idle connection stays open. */
  keepAliveMs: number;
  onDropped: (reason: DropReason) => void;
}

/** One client connection: its latest request, and whether it takes further ones. */
export class Connection {
  readonly socket: Socket;
  /** The latest request. HTTP/1.1 responds to earlier ones first. */
  latest: { request: IncomingMessage; response: ServerResponse } | null = null;
  /** Whether a request on this connection has been authenticated. */
  authenticated = false;
  /** Whether the response to the latest request is the last one: requests that arrive after it are not served. */
  closing = false;
  #lingering = false;
  readonly #onClose = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.once('close', () => {
      for (const listener of this.#onClose) listener();
      this.#onClose.clear();
    });
    // Node ends connections by this method. It closes the socket while the client still sends, which resets the connection,
    // and the client may lose the response (RFC 9112, section 9.6).
    socket.destroySoon = () => this.linger();
  }

  /** Whether the last response has been handed over, so that the socket is only read until the client closes it. */
  get lingering(): boolean {
    return this.#lingering;
  }

  /** Resolves when the kernel has the complete response, or when the connection is closed. */
  async sent(response: ServerResponse): Promise<void> {
    if (this.socket.destroyed || response.writableFinished) return;
    await new Promise<void>((resolve) => {
      this.#onClose.add(resolve);
      response.once('finish', () => {
        this.#onClose.delete(resolve);
        resolve();
      });
    });
  }

  /** Sends what is queued and the end of the stream, then discards what the client still sends, within a bound. */
  linger(): void {
    if (this.#lingering) return;
    this.#lingering = true;
    this.closing = true;
    const { socket } = this;
    const maxBytesRead = socket.bytesRead + LINGER.bytes;
    const deadline = performance.now() + LINGER.ms;
    socket.end();
    socket.resume();
    const timer = setInterval(() => {
      if (socket.bytesRead > maxBytesRead || performance.now() > deadline) socket.destroy();
    }, LINGER.checkMs).unref();
    socket.once('close', () => clearInterval(timer));
  }
}

/** The open connections of a server. Those without an authenticated request are bounded by a smaller number. */
export class Connections {
  readonly #bySocket = new Map<Duplex, Connection>();
  readonly #unauthenticated: EvictingSet<Connection>;
  readonly #options: ConnectionsOptions;

  constructor(server: Server, options: ConnectionsOptions) {
    this.#options = options;
    this.#unauthenticated = new EvictingSet({ entries: MAX_UNAUTHENTICATED, bytes: Infinity }, (connection) =>
      this.drop(connection, 'unauthenticated'),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.on('drop', () => options.onDropped('limit'));
    server.on('connection', (socket) => this.#open(socket));
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#bySocket.values();
  }

  /** Returns null if the socket has been closed. */
  find(socket: Duplex): Connection | null {
    return this.#bySocket.get(socket) ?? null;
  }

  /** Exempts a connection from the bound of connections without an authenticated request. */
  authenticate(connection: Connection): void {
    if (connection.authenticated) return;
    connection.authenticated = true;
    this.#unauthenticated.delete(connection);
  }

  drop(connection: Connection, reason: DropReason): void {
    this.#options.onDropped(reason);
    connection.socket.destroy();
  }

  #open(socket: Socket): void {
    const connection = new Connection(socket);
    this.#bySocket.set(socket, connection);
    socket.once('close', () => {
      this.#bySocket.delete(socket);
      this.#unauthenticated.delete(connection);
    });
    // Without a listener for the timeout, Node closes the connection silently. `receive` ends this timeout.
    socket.setTimeout(this.#options.keepAliveMs);
    this.#unauthenticated.add(connection, 0);
    // Keeps one place free for the next connection, which may be the router's.
    if (this.#bySocket.size >= MAX_CONNECTIONS && this.#unauthenticated.size > 1) this.#unauthenticated.evictFirst();
  }

  /**
   * Records a request that has arrived on its connection.
   *
   * @returns null if the connection has been closed, or ends with an earlier response: the request must not be served.
   */
  receive(request: IncomingMessage, response: ServerResponse): Connection | null {
    const connection = this.find(request.socket);
    if (connection === null || connection.closing) {
      request.resume();
      return null;
    }
    if (connection.latest === null) request.socket.setTimeout(0);
    connection.latest = { request, response };
    // Node's parser loses the bytes that follow such a request in the same packet.
    if (request.headers.upgrade !== undefined) connection.closing = true;
    return connection;
  }
}
