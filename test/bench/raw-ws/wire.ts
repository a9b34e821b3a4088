/**
 * What a link can do without agents: `ws` and `msgpackr`, one array per turn with the shapes of its
 * messages sent once, or one frame per message.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Packr, Unpackr } from 'msgpackr';
import { WebSocket, WebSocketServer } from 'ws';

/** Sends messages, and calls back with those that come. */
export interface Wire {
  send(message: object): void;
  onMessage: (message: never) => void;
}

const RECORDS = { sequential: true, moreTypes: false } as const;

function wireOf(socket: WebSocket, isBatched: boolean): Wire {
  const packr = new Packr({ ...RECORDS });
  const unpackr = new Unpackr({ ...RECORDS, structures: [] });
  let batch: object[] = [];
  const wire: Wire = {
    onMessage: () => undefined,
    send(message) {
      if (!isBatched) socket.send(packr.pack([message]));
      else if (batch.push(message) === 1)
        setImmediate(() => {
          socket.send(packr.pack(batch));
          batch = [];
        });
    },
  };
  socket.on('message', (data) => {
    for (const message of unpackr.unpack(data as Buffer) as never[]) wire.onMessage(message);
  });
  return wire;
}

/** Both ends of a link over loopback. */
export async function openWire(isBatched: boolean): Promise<readonly [near: Wire, far: Wire]> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  const [[far]] = await Promise.all([accepted, once(socket, 'open')]);
  return [wireOf(socket, isBatched), wireOf(far, isBatched)];
}

/** A link whose far end counts items and answers what is asked with the count. */
export async function openCounter(isBatched: boolean): Promise<{
  item(n: number): void;
  read(): Promise<number>;
}> {
  const [near, far] = await openWire(isBatched);
  let total = 0;
  far.onMessage = ({ id, message }: { readonly id?: number; readonly message: object }) => {
    if (id === undefined) total += (message as { readonly n: number }).n >= 0 ? 1 : 0;
    else far.send({ id, message: { type: 'total', total } });
  };
  const waiting = new Map<number, (total: number) => void>();
  near.onMessage = ({
    id,
    message,
  }: {
    readonly id: number;
    readonly message: { total: number };
  }) => {
    waiting.get(id)?.(message.total);
    waiting.delete(id);
  };
  let nextId = 1;
  return {
    item: (n) =>
      near.send({
        to: 'far/counter',
        from: 'near/producer',
        message: { type: 'item', n, sku: 'a-thing-on-a-shelf' },
      }),
    read: () =>
      new Promise((resolve) => {
        const id = nextId++;
        waiting.set(id, resolve);
        near.send({ to: 'far/counter', from: 'near/asker', id, message: { type: 'read' } });
      }),
  };
}
