/**
 * The limiter: an agent that shares scarce resources out, such as an API key, a host or a database.
 * Each has a weighted semaphore, a token bucket, or both, for all agents that use it together.
 *
 * Who asks first is served first, whatever it weighs, so nobody starves. A lease ends when it is
 * released, when its holder ends, or when its time is over.
 */
import {
  InvalidOption,
  fromHandler,
  type AgentContext,
  type AgentName,
  type AnyRef,
  type Down,
  type HandlerLogic,
  type Monitor,
  type Ref,
  type ReplyTo,
  type Wait,
} from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { TaskFailed } from './failure.ts';
import type { TaskRun } from './run.ts';

/** How much of one resource there is. */
export interface ResourceLimit {
  /** The weights that may be in use at a time; default no limit. */
  readonly concurrency?: number;
  /** Tokens that flow into the bucket each second; default no limit. */
  readonly perSecond?: number;
  /** Tokens that the bucket holds; default what flows in within a second, and at least 1. */
  readonly burst?: number;
}

/** What is taken of a resource. */
export interface Portion {
  /** Of the semaphore; default 1. */
  readonly weight?: number;
  /** Of the bucket; default 1. */
  readonly tokens?: number;
}

/** What a limiter takes. */
export type LimiterEvent =
  | (Portion & {
      readonly type: 'acquire';
      readonly resource: string;
      readonly by: AnyRef;
      /** Milliseconds from now at which a lease ends by itself; default never. */
      readonly holdMs?: number;
      readonly replyTo: ReplyTo<{ readonly type: 'acquired'; readonly lease: string }>;
    })
  | { readonly type: 'release'; readonly lease: string }
  /** The resource itself wants no more for a while, as with a 429. */
  | { readonly type: 'throttled'; readonly resource: string; readonly retryAfterMs: number };
export type LimiterRef = Ref<LimiterEvent> | AgentName<Ref<LimiterEvent>>;

type Acquire = Extract<LimiterEvent, { readonly type: 'acquire' }>;
type Received =
  | LimiterEvent
  | { readonly type: 'wake' }
  | { readonly type: 'lapsed'; readonly lease: string }
  | Down;
type Ctx = AgentContext<Received>;

interface Lease {
  readonly resource: Resource;
  readonly weight: number;
  readonly by: string;
  readonly watch: Monitor;
}

/** One resource: what is in use, what the bucket holds, and who waits. */
interface Resource {
  readonly name: string;
  readonly concurrency: number;
  readonly perSecond: number;
  readonly burst: number;
  inUse: number;
  tokens: number;
  filledAtMs: number;
  pausedUntilMs: number;
  readonly waiting: { readonly request: Acquire; readonly lapsesAtMs: number }[];
}

interface Shared {
  readonly resources: ReadonlyMap<string, Resource>;
  readonly leases: Map<string, Lease>;
  given: number;
}

/** The logic of a limiter. */
export type LimiterLogic = HandlerLogic<unknown, LimiterEvent>;

/**
 * Makes the logic of a limiter. Throws `InvalidOption`.
 *
 * @example
 * ```ts
 * const limits = system.spawn(limiter({ model: { concurrency: 4, perSecond: 10 } }));
 * const writer = performer('writer', (task: Task<string>, run) =>
 *   limited(run, limits, 'model', function* () {
 *     yield* run.sleep(100);
 *     return task.input;
 *   }),
 * );
 * ```
 */
export function limiter(limits: Readonly<Record<string, ResourceLimit>>): LimiterLogic {
  for (const [name, limit] of Object.entries(limits)) {
    checkOptions(limit, ['concurrency', 'perSecond', 'burst'], `limiter.${name}`);
    for (const [key, given] of Object.entries(limit))
      if (!(typeof given === 'number' && given > 0))
        throw new InvalidOption({
          field: `limiter.${name}.${key}`,
          given,
          allowed: 'a number > 0',
        });
  }
  const logic = fromHandler<Shared, Received>({
    initial: () => ({
      resources: new Map(Object.entries(limits).map(([name, limit]) => [name, full(name, limit)])),
      leases: new Map(),
      given: 0,
    }),
    receive(shared, event, ctx) {
      switch (event.type) {
        case 'acquire':
          enqueue(shared, event, ctx);
          break;
        case 'release':
        case 'lapsed':
          release(shared, event.lease, ctx);
          break;
        case 'throttled': {
          const resource = shared.resources.get(event.resource);
          if (resource === undefined) break;
          resource.pausedUntilMs = Math.max(resource.pausedUntilMs, ctx.now() + event.retryAfterMs);
          break;
        }
        case 'troupe.down':
          for (const [lease, { by }] of shared.leases)
            if (by === event.ref.address) release(shared, lease, ctx);
          break;
        case 'wake':
          break;
      }
      serve(shared, ctx);
    },
  });
  return logic as unknown as LimiterLogic;
}

/**
 * Does work while it holds its portion of a resource. When the work fails with `rateLimited`, the
 * resource pauses for everybody until then. Throws what the work throws.
 */
export function* limited<T>(
  run: TaskRun,
  limits: LimiterRef,
  resource: string,
  work: () => Generator<Wait<unknown>, T, unknown>,
  portion: Portion = {},
): Generator<Wait<unknown>, T, unknown> {
  const { ctx } = run;
  const { remainingMs: holdMs } = run;
  const acquire = { type: 'acquire', resource, by: ctx.self, holdMs, ...portion } as const;
  const { lease } = yield* ctx.ask(limits, acquire, { timeoutMs: holdMs });
  try {
    const result = yield* work();
    ctx.send(limits, { type: 'release', lease });
    return result;
  } catch (error) {
    if (error instanceof TaskFailed && error.parts.kind === 'rateLimited') {
      const retryAfterMs = error.parts.retry?.afterMs ?? 0;
      ctx.send(limits, { type: 'throttled', resource, retryAfterMs });
    }
    ctx.send(limits, { type: 'release', lease });
    throw error;
  }
}

function full(
  name: string,
  { concurrency = Infinity, perSecond = Infinity, burst }: ResourceLimit,
): Resource {
  const tokens = burst ?? Math.max(1, perSecond);
  const bucket = { burst: tokens, tokens, filledAtMs: 0, pausedUntilMs: 0 };
  return { name, concurrency, perSecond, ...bucket, inUse: 0, waiting: [] };
}

function enqueue({ resources }: Shared, request: Acquire, ctx: Ctx): void {
  const { resource: name, weight = 1, tokens = 1 } = request;
  const resource = resources.get(name);
  if (resource !== undefined && weight <= resource.concurrency && tokens <= resource.burst) {
    ctx.defer(request);
    const lapsesAtMs = ctx.now() + (request.holdMs ?? Infinity);
    resource.waiting.push({ request, lapsesAtMs });
    return;
  }
  const allowed =
    resource === undefined
      ? [...resources.keys()].join(', ')
      : `weight <= ${resource.concurrency} and tokens <= ${resource.burst}`;
  const given = resource === undefined ? name : { weight, tokens };
  ctx.fail(request, new InvalidOption({ field: `acquire "${name}"`, given, allowed }));
}

/** Serves who waits, in order, as far as there is something; then waits for time to bring more. */
function serve(shared: Shared, ctx: Ctx): void {
  const nowMs = ctx.now();
  let wakeInMs = Infinity;
  for (const resource of shared.resources.values()) {
    fill(resource, nowMs);
    for (let next = resource.waiting[0]; next !== undefined; next = resource.waiting[0]) {
      const { weight = 1, tokens = 1, replyTo } = next.request;
      // Whoever asked waits no more: nothing is kept for it.
      if (replyTo.getSnapshot().status !== 'active') {
        resource.waiting.shift();
        continue;
      }
      const lack = tokens > resource.tokens ? tokens - resource.tokens : 0;
      const lackMs = Math.ceil((lack / resource.perSecond) * 1_000);
      const waitMs = Math.max(resource.pausedUntilMs - nowMs, lackMs, 0);
      if (waitMs > 0) wakeInMs = Math.min(wakeInMs, waitMs);
      if (waitMs > 0 || resource.inUse + weight > resource.concurrency) break;
      resource.waiting.shift();
      const lease = give(shared, resource, next.request, ctx);
      const holdMs = next.lapsesAtMs - nowMs;
      if (holdMs < Infinity)
        ctx.after(Math.max(0, holdMs), { type: 'lapsed', lease }, { id: lease });
    }
  }
  if (wakeInMs < Infinity) ctx.after(wakeInMs, { type: 'wake' }, { id: 'wake' });
}

function give(shared: Shared, resource: Resource, request: Acquire, ctx: Ctx): string {
  const { weight = 1, tokens = 1, by } = request;
  resource.inUse += weight;
  resource.tokens -= tokens;
  shared.given += 1;
  const lease = `${resource.name}#${shared.given}`;
  shared.leases.set(lease, { resource, weight, by: by.address, watch: ctx.monitor(by) });
  ctx.reply(request, { type: 'acquired', lease });
  return lease;
}

function release({ leases }: Shared, id: string, ctx: Ctx): void {
  const lease = leases.get(id);
  if (lease === undefined) return;
  leases.delete(id);
  lease.resource.inUse -= lease.weight;
  ctx.demonitor(lease.watch);
  ctx.cancel(id);
}

function fill(resource: Resource, nowMs: number): void {
  const { perSecond, burst, filledAtMs, tokens } = resource;
  const flown = perSecond === Infinity ? burst : ((nowMs - filledAtMs) / 1_000) * perSecond;
  resource.tokens = Math.min(burst, tokens + flown);
  resource.filledAtMs = nowMs;
}
