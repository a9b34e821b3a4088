/**
 * Links over WebSockets: the package `ws`, without compression, with a bound for each frame. The
 * only file that opens sockets.
 */
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { InvalidOption } from '../runtime/index.ts';
import { Callers } from './callers.ts';
import { LinkFailed } from './errors.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { ignore, type Link, type LinkClose, type Links, type Listener } from './link.ts';

/** Options of links over WebSockets. */
export interface WsOptions {
  /** Where to listen; default host `127.0.0.1`, and 0 for a port that is free. */
  readonly port?: number;
  readonly host?: string;
  /** Certificate and key of the server, and `ca` with `requestCert` for certificates of clients: then it is `wss`. */
  readonly tls?: ServerOptions;
  /** What a dialed `wss` server must show, and the certificate shown to it. */
  readonly client?: {
    readonly ca?: string | Buffer;
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
  };
  /** Allows plain `ws` beyond this machine, where everything after the handshake can be read and changed. */
  readonly insecure?: boolean;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;

class WsLink implements Link {
  readonly remote: string;
  readonly #socket: WebSocket;
  onFrame: (bytes: Uint8Array) => void = ignore;
  onClose: (close: LinkClose) => void = ignore;
  #open = true;

  constructor(socket: WebSocket, remote: string) {
    this.#socket = socket;
    this.remote = remote;
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (!this.#open) return;
      if (isBinary) this.onFrame(data as Buffer);
      else this.close(1003, 'a text frame');
    });
    socket.on('close', (code, reason) => this.#end({ code, reason: reason.toString() }));
    // Its close follows, with the code that says why; at a frame that is too big, only when the
    // other side has answered, and it may not.
    socket.on('error', (error: Error & { readonly code?: string }) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
        this.#end({ code: 1009, reason: 'a frame beyond the bound' });
    });
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(bytes: Uint8Array): void {
    if (this.#open) this.#socket.send(bytes);
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    // A peer that reads nothing would hold a farewell back for ever.
    if (this.#socket.bufferedAmount > TRANSPORT_LIMITS.frameBytesMax) this.#socket.terminate();
    else this.#socket.close(code, reason.slice(0, 120));
    this.#end({ code, reason });
  }

  #end(close: LinkClose): void {
    if (!this.#open) return;
    this.#open = false;
    this.onClose(close);
  }
}

/** Makes links over WebSockets. */
export function wsLinks(options: WsOptions = {}): Links {
  const { port, host = '127.0.0.1', tls, client, insecure = false } = options;
  const settings = { perMessageDeflate: false, maxPayload: TRANSPORT_LIMITS.frameBytesMax };
  return {
    listen: (accept, refused = ignore) => {
      if (tls === undefined && !insecure && !LOOPBACK.test(host)) {
        const allowed = '127.0.0.1, localhost, ::1, or tls, or insecure: true';
        throw new InvalidOption({ field: 'listen.host', given: host, allowed });
      }
      return listen(host, port ?? 0, tls, settings, accept, refused);
    },
    dial: (address) => {
      const url = urlOf(address, insecure);
      const timeout = TRANSPORT_LIMITS.handshakeMs;
      return new Promise((resolve, reject) => {
        const socket = new WebSocket(url, { ...settings, ...client, handshakeTimeout: timeout });
        const failed = (cause: Error): void =>
          reject(new LinkFailed({ address, why: cause.message }, { cause }));
        socket.once('error', failed);
        socket.once('open', () => {
          socket.off('error', failed);
          resolve(new WsLink(socket, address));
        });
      });
    },
  };
}

function listen(
  host: string,
  port: number,
  tls: ServerOptions | undefined,
  settings: { readonly perMessageDeflate: boolean; readonly maxPayload: number },
  accept: (link: Link) => void,
  refused: (remote: string, reason: string) => void,
): Promise<Listener> {
  const { handshakeMs } = TRANSPORT_LIMITS;
  const times = {
    headersTimeout: handshakeMs,
    requestTimeout: handshakeMs,
    connectionsCheckingInterval: 1_000,
  };
  const server =
    tls === undefined
      ? createHttpServer(times)
      : createHttpsServer({ handshakeTimeout: handshakeMs, ...times, ...tls });
  server.on('request', (_, response) => response.writeHead(426).end());
  const callers = new Callers<Socket>((socket) => {
    refused(remoteOf(socket), 'too many callers');
    socket.destroy();
  });
  const leaving = new Map<string, () => void>();
  server.on('connection', (socket: Socket) => {
    const remote = remoteOf(socket);
    const leave = callers.enter(remote, socket);
    leaving.set(remote, leave);
    socket.once('close', () => {
      leave();
      if (leaving.get(remote) === leave) leaving.delete(remote);
    });
  });
  const turnAway = (error: Error, socket: Socket & { authorizationError?: string }): void => {
    const { authorizationError } = socket;
    refused(remoteOf(socket), authorizationError ?? error.message);
    socket.destroy();
  };
  // What is no HTTP, no TLS, or TLS without the certificate that is asked for; and then no WebSocket.
  server.on('clientError', turnAway);
  const sockets = new WebSocketServer({ ...settings, server });
  sockets.on('wsClientError', (error, socket) => turnAway(error, socket as Socket));
  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    const remote = remoteOf(request.socket);
    // It is a link now, and waits for its handshake there.
    leaving.get(remote)?.();
    accept(new WsLink(socket, remote));
  });
  return new Promise((resolve, reject) => {
    const where = `${tls === undefined ? 'ws' : 'wss'}://${host}`;
    sockets.once('error', (cause) =>
      reject(new LinkFailed({ address: `${where}:${port}`, why: cause.message }, { cause })),
    );
    sockets.once('listening', () => {
      sockets.on('error', ignore);
      const { port: bound } = server.address() as AddressInfo;
      const close = (): Promise<void> =>
        new Promise((closed) => {
          sockets.close();
          server.close(() => closed());
          for (const socket of sockets.clients) socket.terminate();
          server.closeAllConnections();
        });
      resolve({ address: `${where}:${bound}`, close });
    });
    server.listen(port, host);
  });
}

function remoteOf({ remoteAddress = '?', remotePort = 0 }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

/** The URL of a seed. Throws `InvalidOption`, also for plain `ws` beyond this machine that is not allowed. */
export function urlOf(address: string, insecure: boolean): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === 'ws:' && !insecure && !LOOPBACK.test(url.hostname)) {
    const allowed = 'wss:, a host of this machine, or insecure: true';
    throw new InvalidOption({ field: 'seeds', given: address, allowed });
  }
  if (url !== undefined && ['ws:', 'wss:'].includes(url.protocol)) return url;
  throw new InvalidOption({
    field: 'seeds',
    given: address,
    allowed: 'ws://host:port or wss://host:port',
  });
}
