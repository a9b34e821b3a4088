/**
 * The stage of a supervision test: a system on virtual time, workers that end as they are told to,
 * and a record of who started and ended, and what was reported.
 */
import type { AnyActorLogic, InputFrom } from 'xstate';
import {
  child,
  fromHandler,
  whichChildren,
  type AgentContext,
  type AgentInfo,
  type AnyRef,
  type ChildSpec,
  type ChildSpecOptions,
  type Down,
  type Exit,
  type ExitReason,
  type Handled,
  type InspectionEvent,
  type Log,
  type Ref,
  type Report,
  type ReplyTo,
} from 'troupe';
import { createTestSystem, type TestSystem, type TestSystemOptions } from 'troupe/testing';

export type WorkerEvent =
  /** Ends by itself with this reason. */
  | { readonly type: 'end'; readonly reason: ExitReason }
  /** Never comes back from this message. */
  | { readonly type: 'busy' }
  /** Needs so long for this message. */
  | { readonly type: 'work'; readonly ms: number }
  | { readonly type: 'who'; readonly replyTo: ReplyTo<{ type: 'me'; life: number }> }
  | { readonly type: 'do'; readonly act: (ctx: WorkerContext) => void }
  | Down
  | Exit;

export type WorkerContext = AgentContext<WorkerEvent>;
export type WorkerRef = Ref<WorkerEvent>;

/** What a worker does besides. `life` counts the starts under its id, those that fail included. */
export interface WorkerParts {
  readonly start?: (ctx: WorkerContext, life: number) => Handled<number>;
  readonly stop?: (reason: ExitReason, ctx: WorkerContext) => void | Promise<void>;
}

/** The ways in which a worker ends by itself. */
export const ENDS = {
  normal: { type: 'normal' },
  shutdown: { type: 'shutdown' },
  'shutdown with a detail': { type: 'shutdown', detail: 'test' },
  crash: { type: 'crash', error: new Error('boom') },
  kill: { type: 'killed' },
} as const satisfies Record<string, ExitReason>;

export type End = keyof typeof ENDS;

export const NEVER = new Promise<never>(() => undefined);

/** One record of a stage. */
export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class Stage {
  readonly system: TestSystem;
  /** Starts and ends, such as `start /sup/a 1` and `end /sup/a 1 shutdown`. */
  readonly diary: string[] = [];
  readonly events: InspectionEvent[] = [];
  readonly reports: Report[] = [];
  readonly lines: Line[] = [];
  /** How often a worker of this id has tried to start. */
  readonly starts: Record<string, number> = {};

  constructor(options: TestSystemOptions = {}) {
    this.system = createTestSystem({ log: this.#log(), ...options });
    this.system.inspect((event) => {
      this.events.push(event);
      if (event.type === 'report') this.reports.push(event.report);
      else if (event.type === 'started')
        this.diary.push(`start ${event.path} ${event.incarnation}`);
      else if (event.type === 'ended')
        this.diary.push(`end ${event.path} ${event.incarnation} ${event.reason.type}`);
    });
  }

  /** The logic of a worker that is known by this id. */
  worker(id: string, parts: WorkerParts = {}) {
    const { starts } = this;
    return fromHandler({
      initial: () => 0,
      start(_life: number, ctx: WorkerContext): Handled<number> {
        const life = (starts[id] = (starts[id] ?? 0) + 1);
        return parts.start?.(ctx, life) ?? life;
      },
      receive(life: number, event: WorkerEvent, ctx: WorkerContext): Handled<number> {
        switch (event.type) {
          case 'end':
            if (event.reason.type === 'crash') throw event.reason.error;
            return ctx.end(event.reason);
          case 'busy':
            return NEVER;
          case 'work':
            return work(ctx, event.ms);
          case 'who':
            return ctx.reply(event, { type: 'me', life });
          case 'do':
            return event.act(ctx);
          default:
            return undefined;
        }
      },
      stop: (_life: number, reason: ExitReason, ctx: WorkerContext) => parts.stop?.(reason, ctx),
    });
  }

  /** The spec of a worker. */
  spec(
    id: string,
    options: Partial<ChildSpecOptions<AnyActorLogic>> &
      WorkerParts & { readonly input?: unknown } = {},
  ): ChildSpec {
    const { start, stop, ...rest } = options;
    const parts = { ...(start && { start }), ...(stop && { stop }) };
    return child({ id, logic: this.worker(id, parts), ...rest }) as ChildSpec;
  }

  specs(...ids: string[]): ChildSpec[] {
    return ids.map((id) => this.spec(id));
  }

  /** Starts a tree at `/sup`. */
  start<TLogic extends AnyActorLogic>(logic: TLogic, id = 'sup', input?: InputFrom<TLogic>) {
    return this.run(this.system.start(logic, { id, input } as never));
  }

  run<T>(promise: PromiseLike<T>): Promise<T> {
    return this.system.run(promise);
  }

  /** The error that a promise rejects with. */
  async failure(promise: PromiseLike<unknown>): Promise<unknown> {
    try {
      await this.run(promise);
    } catch (error) {
      return error;
    }
    throw new Error('it did not fail');
  }

  /** Runs what is due now, the tries of failing restarts included. */
  now(): Promise<void> {
    return this.system.advance(0);
  }

  ref(path: string): WorkerRef {
    return this.system.ref(path) as unknown as WorkerRef;
  }

  /** Has agents end by themselves, all at once, and runs what follows now. */
  async end(how: End, ...paths: string[]): Promise<void> {
    for (const path of paths) {
      if (how === 'kill') void this.ref(path).kill();
      else this.ref(path).send({ type: 'end', reason: ENDS[how] });
    }
    await this.now();
  }

  /** The agent that lives or waits at a path. */
  at(path: string): AgentInfo | undefined {
    const find = (agents: readonly AgentInfo[]): AgentInfo | undefined => {
      for (const agent of agents) {
        const found = agent.path === path ? agent : find(agent.children);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    return find(this.system.agents());
  }

  /** Which life of an agent runs; undefined when none does. */
  life(path: string): number | undefined {
    const agent = this.at(path);
    return agent?.status === 'running' ? agent.incarnation : undefined;
  }

  /** The lives of several agents. */
  lives(...paths: string[]): (number | undefined)[] {
    return paths.map((path) => this.life(path));
  }

  /** Ids and what they are, as the supervisor tells it, newest first. */
  async which(supervisor: Parameters<typeof whichChildren>[0]): Promise<string[]> {
    const children = await this.run(whichChildren(supervisor));
    return children.map(({ id, ref }) => {
      const is = ref === undefined ? 'undefined' : ref === 'restarting' ? ref : 'running';
      return `${id} ${is}`;
    });
  }

  /** The reports under a label, `supervisor/…`. */
  reported(label: string): Report[] {
    return this.reports.filter((report) => report.label === `supervisor/${label}`);
  }

  /** The diary since the last call. */
  takeDiary(): string[] {
    return this.diary.splice(0);
  }

  /** The reason with which the last life at a path ended. */
  reason(path: string): ExitReason | undefined {
    const ends = this.events.flatMap((event) =>
      event.type === 'ended' && event.path === path ? [event.reason] : [],
    );
    return ends.at(-1);
  }

  #log(): Log {
    const { lines } = this;
    const at =
      (level: Line['level']) =>
      (fields: object, message: string): void =>
        void lines.push({ level, message, fields: fields as Line['fields'] });
    const log: Log = {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: () => log,
    };
    return log;
  }
}

function* work(ctx: WorkerContext, ms: number): Generator<never, void, unknown> {
  yield* ctx.sleep(ms) as Iterable<never>;
}

/** A cleanup that takes so long. */
export const slowStop =
  (ms: number): NonNullable<WorkerParts['stop']> =>
  async (_reason, ctx) => {
    await ctx.sleep(ms);
  };

/** The specs that the state of a supervisor holds. */
export function specsHeldBy(supervisor: AnyRef): ChildSpec[] {
  return [...childrenOf(supervisor).values()].map(({ spec }) => spec);
}

/** The table of children in the state of a supervisor. */
export function childrenOf(supervisor: AnyRef): Map<string, { readonly spec: ChildSpec }> {
  type Held = { readonly byId: Map<string, { readonly spec: ChildSpec }> };
  const { context } = supervisor.getSnapshot() as unknown as {
    readonly context: Held | { readonly children: Held };
  };
  return ('children' in context ? context.children : context).byId;
}
