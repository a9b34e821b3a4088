/** Nodes for tests: several systems on one virtual time, linked in memory, or real ones on loopback. */
import {
  createSeededRandom,
  createSteppedScheduler,
  createSystem,
  createVirtualClock,
  fromHandler,
  type Log,
  type Ref,
  type ReplyTo,
  type System,
} from 'troupe';
import { MemoryNetwork, joinCluster, type ClusterNode, type JoinOptions } from 'troupe/transport';

export const SECRET = 'a secret of the tests';

export type EchoEvent =
  | { type: 'echo'; value?: unknown; replyTo: ReplyTo<{ type: 'echoed'; value: unknown }> }
  | { type: 'hold'; replyTo: ReplyTo<{ type: 'never' }> }
  | { type: 'lose'; replyTo: ReplyTo<{ type: 'never' }> }
  | { type: 'refuse'; replyTo: ReplyTo<{ type: 'never' }> }
  | {
      type: 'pass';
      to: Ref<EchoEvent>;
      kind?: 'hold';
      replyTo: ReplyTo<{ type: 'echoed'; value: unknown }>;
    }
  | { type: 'crash' }
  | { type: 'end' }
  | { type: 'note'; value: unknown };

/** An agent that answers, and does what goes wrong when it is told to. */
export function echo(noted: unknown[] = []) {
  return fromHandler<undefined, EchoEvent>({
    receive: (_state, event, ctx) => {
      if (event.type === 'echo') ctx.reply(event, { type: 'echoed', value: event.value });
      else if (event.type === 'hold') ctx.defer(event);
      else if (event.type === 'refuse') ctx.fail(event, new TypeError('no', { cause: 'why' }));
      else if (event.type === 'pass')
        ctx.forward(event.to, { type: event.kind ?? 'echo', replyTo: event.replyTo } as EchoEvent);
      else if (event.type === 'crash') throw new RangeError('crashed');
      else if (event.type === 'end') ctx.stop('done');
      else if (event.type === 'note') noted.push(event.value);
    },
  });
}

/** Nodes of one process on one virtual time. */
export class Stage {
  readonly clock = createVirtualClock();
  readonly scheduler = createSteppedScheduler();
  readonly network = new MemoryNetwork(this.clock);
  readonly systems: System[] = [];
  #seed = 1;

  system(name: string, log: Log | false = false): System {
    const { clock, scheduler } = this;
    const random = createSeededRandom(this.#seed++);
    const system = createSystem({ name, clock, scheduler, random, log, freeze: true });
    this.systems.push(system);
    return system;
  }

  /** A system that has joined. */
  async join(
    name: string,
    options: Partial<JoinOptions> = {},
    log: Log | false = false,
  ): Promise<{ system: System; node: ClusterNode }> {
    const system = this.system(name, log);
    const links = this.network.links(name);
    const node = await joinCluster(system, { listen: {}, secret: SECRET, links, ...options });
    return { system, node };
  }

  async settle(): Promise<void> {
    do {
      this.scheduler.settle();
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    } while (!this.scheduler.idle);
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.clock.now() + ms;
    do await this.settle();
    while (this.clock.fireNext(untilMs));
  }

  async stop(): Promise<void> {
    const stopping = this.systems.map((system) => system.stop());
    await this.advance(20_000);
    await Promise.all(stopping);
  }
}

/** What a promise has come to, without waiting for it. */
export function outcome<T>(promise: Promise<T>): { value?: T; error?: Error } {
  const found: { value?: T; error?: Error } = {};
  promise.then(
    (value) => (found.value = value),
    (error: Error) => (found.error = error),
  );
  return found;
}
