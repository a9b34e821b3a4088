/**
 * Traps: while a step of a simulation runs, whatever would make the run different the next time
 * (clocks, chance, timers, promises, the network, files) is told instead of done.
 *
 * They are set for one exploration and always taken away again. Between steps they let everything
 * through, and what Node itself calls they let through always.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { promiseHooks } from 'node:v8';
import { TroupeError } from '../runtime/index.ts';
import { running } from '../runtime/internal.ts';
import { present } from './ambient.ts';

/** A simulated program did something that would be different in another run. */
export class Nondeterminism extends TroupeError {
  readonly code = 'NONDETERMINISM';
  /** What it called, such as `Date.now`. */
  readonly api: string;

  constructor(fields: {
    readonly api: string;
    readonly agent: string | undefined;
    readonly cure: string;
  }) {
    const { api, agent = 'the setup', cure } = fields;
    super(`${agent} uses ${api} in a step, so that a run does not repeat; ${cure}`, fields);
    this.api = api;
  }
}

const CURES = {
  time: 'read the time with ctx.now()',
  chance: 'draw with ctx.random()',
  timers: 'wait with ctx.after, ctx.every or ctx.sleep',
  turns: 'send a message, or wait with yield*',
  outside:
    'do it in ctx.effect(name, run) or a named actor of the machine, and model it in effects',
  promise:
    'nobody can say when a promise settles: make it in ctx.effect(name, run) and wait with yield*, ' +
    'or in a named actor of the machine, and model it in effects',
  memory: 'nobody can say when memory is collected',
} as const;

type Cure = keyof typeof CURES;

/** What is trapped: where it stands, under which names, and what to use instead. */
interface Spot {
  readonly holder: () => object | undefined;
  /** Before the name in what is told; nothing for globals. */
  readonly label: string;
  readonly cure: Cure;
  /** Absent: all functions. */
  readonly names?: readonly string[];
}

const load = createRequire(import.meta.url);
const builtin = (name: string) => (): object => load(`node:${name}`) as object;
const moduleSpot = (name: string, cure: Cure, ...names: string[]): Spot => ({
  holder: builtin(name),
  label: `node:${name} `,
  cure,
  ...(names.length > 0 && { names }),
});
const spot = (label: string, holder: object | undefined, cure: Cure, ...names: string[]): Spot => ({
  holder: () => holder,
  label,
  cure,
  names,
});

const spots = (): Spot[] => [
  spot('', globalThis, 'time', 'Date'),
  spot('Date.', Date, 'time', 'now'),
  spot('performance.', performance, 'time', 'now'),
  spot('process.hrtime.', process.hrtime, 'time', 'bigint'),
  spot('process.', process, 'time', 'hrtime', 'uptime', 'cpuUsage', 'memoryUsage'),
  spot('Math.', Math, 'chance', 'random'),
  spot('crypto.', globalThis.crypto, 'chance', 'randomUUID', 'getRandomValues'),
  spot('', globalThis, 'timers', 'setTimeout', 'setInterval', 'setImmediate'),
  spot('AbortSignal.', AbortSignal, 'timers', 'timeout'),
  spot('', globalThis, 'turns', 'queueMicrotask', 'MessageChannel', 'BroadcastChannel'),
  spot('process.', process, 'turns', 'nextTick'),
  spot('', globalThis, 'outside', 'fetch', 'WebSocket', 'EventSource'),
  spot('', globalThis, 'memory', 'WeakRef', 'FinalizationRegistry'),
  moduleSpot(
    'crypto',
    'chance',
    'randomUUID',
    'randomBytes',
    'pseudoRandomBytes',
    'randomInt',
    'randomFill',
    'randomFillSync',
    'getRandomValues',
    'generateKeyPairSync',
  ),
  moduleSpot('timers', 'timers', 'setTimeout', 'setInterval', 'setImmediate'),
  moduleSpot('timers/promises', 'timers', 'setTimeout', 'setInterval', 'setImmediate'),
  moduleSpot('fs', 'outside'),
  moduleSpot('fs/promises', 'outside'),
  moduleSpot('net', 'outside', 'connect', 'createConnection', 'createServer', 'Socket'),
  moduleSpot('http', 'outside', 'request', 'get', 'createServer'),
  moduleSpot('https', 'outside', 'request', 'get', 'createServer'),
  moduleSpot('dns', 'outside'),
  moduleSpot('child_process', 'outside'),
  moduleSpot('worker_threads', 'outside', 'Worker'),
];

let depth = 0;

/** Does something with the traps set. */
export function withTraps<T>(body: () => T): T {
  if (depth > 0) return body();
  depth += 1;
  const undo: (() => void)[] = [];
  try {
    for (const each of spots()) set(each, undo);
    syncBuiltinESMExports();
    undo.push(
      promiseHooks.onInit(function made() {
        // A throw in here would end the process.
        tell('a promise', 'promise', made);
      }) as () => void,
    );
    return body();
  } finally {
    depth -= 1;
    for (const each of undo.reverse()) each();
    syncBuiltinESMExports();
  }
}

function set({ holder: holderOf, label, cure, names }: Spot, undo: (() => void)[]): void {
  const holder = holderOf();
  if (holder === undefined) return;
  for (const name of names ?? Object.keys(holder).filter((key) => /^[a-z]/.test(key))) {
    const own = Object.getOwnPropertyDescriptor(holder, name);
    // An accessor may do something when it is read; only plain functions are taken.
    if (own !== undefined && (own.get !== undefined || own.configurable === false)) continue;
    const original: unknown = (holder as Record<string, unknown>)[name];
    if (typeof original !== 'function') continue;
    const { enumerable = false } = own ?? {};
    Object.defineProperty(holder, name, {
      value: trapped(original as () => unknown, `${label}${name}`, cure),
      configurable: true,
      writable: true,
      enumerable,
    });
    undo.push(() => {
      if (own === undefined) Reflect.deleteProperty(holder, name);
      else Object.defineProperty(holder, name, own);
    });
  }
}

function trapped(original: () => unknown, api: string, cure: Cure): () => unknown {
  const isDate = api === 'Date';
  const proxy: () => unknown = new Proxy(original, {
    apply: function called(target, self, given) {
      refuse(isDate ? 'Date()' : api, cure, called);
      return Reflect.apply(target, self, given);
    },
    construct: function made(target, given, newTarget) {
      // A date that is told its time is as good as any other value.
      if (!isDate || given.length === 0) refuse(`new ${api}()`, cure, made);
      return Reflect.construct(target, given, newTarget === proxy ? target : newTarget) as object;
    },
  });
  return proxy;
}

function refuse(api: string, cure: Cure, above: (...args: never[]) => unknown): void {
  const error = tell(api, cure, above);
  if (error !== undefined) throw error;
}

/** Tells the run that steps now, if one does; the stack begins with whoever called. */
function tell(
  api: string,
  cure: Cure,
  above: (...args: never[]) => unknown,
): Nondeterminism | undefined {
  const run = present();
  if (run === undefined) return undefined;
  const error = new Nondeterminism({
    api,
    agent: running.cell?.path.slice(1),
    cure: CURES[cure],
  });
  Error.captureStackTrace(error, above);
  if (isFromNode(error)) return undefined;
  run.nondeterministic(error);
  return error;
}

/** Node's own code may do what it does, as when something is written to the console. */
function isFromNode({ stack = '' }: Error): boolean {
  const caller = stack.split('\n').find((line) => /^\s+at /.test(line)) ?? '';
  return /[( ](?:async )?node:/.test(caller);
}
