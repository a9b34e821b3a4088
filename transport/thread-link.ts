/**
 * Links between the threads of one process, over message ports: several cores of one machine are a
 * cluster. A hub knows who listens, and hands each dialer's port to whom it dials; the frames then
 * go from thread to thread and pass the hub no more.
 *
 *     thread ──port──▶ hub ◀──port── thread          listen, dial
 *        └───────────── port ───────────┘            frames
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { InvalidOption } from '../runtime/index.ts';
import { LinkFailed } from './errors.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { ignore, type Link, type LinkClose, type Links, type Listener } from './link.ts';

/** What a thread says to the hub. */
type ToHub =
  | { readonly kind: 'listen' | 'silence'; readonly id: number; readonly address: string }
  | {
      readonly kind: 'dial';
      readonly id: number;
      readonly address: string;
      readonly from: string;
      readonly port: MessagePort;
    };

/** What the hub says to a thread. */
type FromHub =
  | { readonly kind: 'done' | 'refused'; readonly id: number }
  | { readonly kind: 'dialed'; readonly from: string; readonly port: MessagePort };

class ThreadLink implements Link {
  readonly remote: string;
  readonly #port: MessagePort;
  /** A port holds what is posted on the other side, in the memory of this very process. */
  readonly bufferedBytes = 0;
  onFrame: (bytes: Uint8Array) => void = ignore;
  onClose: (close: LinkClose) => void = ignore;
  #open = true;

  constructor(port: MessagePort, remote: string) {
    this.#port = port;
    this.remote = remote;
    port.on('message', (posted: Uint8Array | LinkClose) => {
      if (!this.#open) return;
      if (!(posted instanceof Uint8Array)) this.#end(posted);
      else if (posted.length <= TRANSPORT_LIMITS.frameBytesMax) this.onFrame(posted);
      else this.close(1009, 'a frame beyond the bound');
    });
    // The end of its thread; a farewell came before.
    port.on('close', () => this.#end({ code: 1006, reason: 'the other thread is gone' }));
  }

  send(bytes: Uint8Array): void {
    if (!this.#open) return;
    // A copy that is handed over: what the sender does with its bytes afterwards is its own affair.
    const copy = new Uint8Array(bytes);
    this.#port.postMessage(copy, [copy.buffer]);
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#port.postMessage({ code, reason });
    this.#end({ code, reason });
  }

  #end(close: LinkClose): void {
    if (!this.#open) return;
    this.#open = false;
    this.#port.close();
    this.onClose(close);
  }
}

/** Where the threads of a process find each other; made in one of them, which gives each a port. */
export class ThreadHub {
  readonly #listening = new Map<string, MessagePort>();

  /** A port for one thread, to be sent to it in `workerData` and `transferList`, or used here. */
  port(): MessagePort {
    const { port1: own, port2: port } = new MessageChannel();
    own.on('message', (said: ToHub) => this.#hear(own, said));
    own.on('close', () => {
      for (const [address, listener] of this.#listening)
        if (listener === own) this.#listening.delete(address);
    });
    // The hub keeps no process alive: who listens does.
    own.unref();
    return port;
  }

  #hear(own: MessagePort, said: ToHub): void {
    const { kind, id, address } = said;
    const listener = this.#listening.get(address);
    if (kind === 'listen' && listener === undefined) this.#listening.set(address, own);
    else if (kind === 'silence' && listener === own) this.#listening.delete(address);
    else if (kind === 'dial' && listener !== undefined) {
      const { from, port } = said;
      listener.postMessage({ kind: 'dialed', from, port } satisfies FromHub, [port]);
    } else {
      own.postMessage({ kind: 'refused', id } satisfies FromHub);
      return;
    }
    own.postMessage({ kind: 'done', id } satisfies FromHub);
  }
}

/**
 * The links of the node `name` in this thread, for `joinCluster`; its address is `thread:name`.
 * `port` is one of a {@link ThreadHub}, and this thread's alone.
 */
export function threadLinks(name: string, port: MessagePort): Links {
  const answers = new Map<number, (isDone: boolean) => void>();
  let accept: (link: Link) => void = ignore;
  let nextId = 1;
  port.on('message', (said: FromHub) => {
    if (said.kind === 'dialed') accept(new ThreadLink(said.port, said.from));
    else answers.get(said.id)?.(said.kind === 'done');
  });
  port.unref();
  const ask = (said: (id: number) => ToHub, transfer: readonly MessagePort[] = []) =>
    new Promise<boolean>((resolve) => {
      const id = nextId++;
      port.ref();
      answers.set(id, (isDone) => {
        answers.delete(id);
        if (answers.size === 0 && accept === ignore) port.unref();
        resolve(isDone);
      });
      port.postMessage(said(id), transfer);
    });
  const own = `thread:${name}`;
  return {
    listen: async (accepted): Promise<Listener> => {
      if (!(await ask((id) => ({ kind: 'listen', id, address: own }))))
        throw new InvalidOption({ field: 'listen', given: own, allowed: 'a free address' });
      accept = accepted;
      return {
        address: own,
        close: async () => {
          accept = ignore;
          await ask((id) => ({ kind: 'silence', id, address: own }));
        },
      };
    },
    dial: async (address): Promise<Link> => {
      const { port1: here, port2: there } = new MessageChannel();
      const link = new ThreadLink(here, address);
      const said = (id: number): ToHub => ({ kind: 'dial', id, address, from: own, port: there });
      if (await ask(said, [there])) return link;
      here.close();
      throw new LinkFailed({ address, why: 'nobody is there' });
    },
  };
}
