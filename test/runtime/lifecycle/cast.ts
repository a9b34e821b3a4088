/**
 * The cast of these tests: a puppet does what a message tells it to, and notes what it gets.
 */
import {
  fromHandler,
  type AgentContext,
  type Down,
  type Exit,
  type ExitReason,
  type Handled,
  type InspectionEvent,
  type Log,
  type Ref,
  type ReplyTo,
  type System,
} from 'troupe';

export type PuppetContext = AgentContext<PuppetEvent>;

/** What a puppet does: at once, or as a generator or an async function that waits. */
export type Act = (ctx: PuppetContext, event: PuppetEvent) => Handled<string[]>;

export type PuppetEvent =
  | { readonly type: 'do'; readonly act: Act }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'boom'; readonly error?: unknown }
  | { readonly type: 'boom?'; readonly replyTo: ReplyTo<{ readonly type: 'never' }> }
  | {
      readonly type: 'read';
      readonly replyTo: ReplyTo<{ readonly type: 'notes'; readonly notes: readonly string[] }>;
    }
  | Down
  | Exit;

export interface PuppetParts {
  readonly initial?: () => string[];
  readonly start?: (ctx: PuppetContext) => Handled<string[]>;
  readonly stop?: (reason: ExitReason, ctx: PuppetContext) => void | Promise<void>;
  readonly stopChildren?: 'ordered' | 'parallel';
}

/** The logic of a puppet; its state is its notes. */
export function puppet({ initial, start, stop, stopChildren }: PuppetParts = {}) {
  return fromHandler({
    initial: (): string[] => initial?.() ?? [],
    start: (_notes: string[], ctx: PuppetContext) => start?.(ctx),
    receive(notes: string[], event: PuppetEvent, ctx: PuppetContext): Handled<string[]> {
      switch (event.type) {
        case 'do':
          return event.act(ctx, event);
        case 'note':
          return [...notes, event.text];
        case 'boom':
        case 'boom?':
          throw ('error' in event ? event.error : undefined) ?? new Error('boom');
        case 'read':
          return ctx.reply(event, { type: 'notes', notes });
        case 'troupe.down':
          return [...notes, `down ${event.ref.path} ${event.reason.type}`];
        case 'troupe.exit':
          return [...notes, `exit ${event.from?.path ?? 'nobody'} ${event.reason.type}`];
      }
    },
    stop: (_notes: string[], reason: ExitReason, ctx: PuppetContext) => stop?.(reason, ctx),
    ...(stopChildren && { stopChildren }),
  });
}

export type PuppetRef = Ref<PuppetEvent>;

/** Spawns a puppet at the top. */
export function spawnPuppet(
  system: System,
  id: string,
  parts: PuppetParts = {},
  options: { readonly trapExit?: boolean; readonly shutdown?: number | 'infinity' } = {},
): PuppetRef {
  return system.spawn(puppet(parts), { id, ...options });
}

/** Tells a puppet to act. */
export function tell(ref: PuppetRef, act: Act): void {
  ref.send({ type: 'do', act });
}

/** The puppet's notes. */
export function notesOf(ref: { getSnapshot(): unknown }): readonly string[] {
  return (ref.getSnapshot() as { context: readonly string[] }).context;
}

/** A promise that settles only when the test says so. */
export function gate<T = void>(): {
  readonly promise: Promise<T>;
  readonly open: (value: T) => void;
  readonly fail: (error: unknown) => void;
} {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

/** A log that keeps what it is told. */
export function memoryLog(): { readonly log: Log; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine['level']) =>
    (fields: object, message: string): void => {
      lines.push({ level, message, fields: fields as Record<string, unknown> });
    };
  const log: Log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return { log, lines };
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps what an observer of the system sees. */
export function inspected(system: System): InspectionEvent[] {
  const events: InspectionEvent[] = [];
  system.inspect((event) => events.push(event));
  return events;
}

/** The error that a call throws, or a promise rejects with. */
export async function failure(of: (() => unknown) | PromiseLike<unknown>): Promise<unknown> {
  try {
    await (typeof of === 'function' ? of() : of);
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
