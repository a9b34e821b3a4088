/**
 * Generated machines: for properties that say "for every machine". A description is plain data, so
 * that fast-check can shrink it; `build` makes a machine of it that logs every action it runs.
 */
import fc from 'fast-check';
import {
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromPromise,
  fromTransition,
  not,
  raise,
  sendTo,
  spawnChild,
  stateIn,
  stopChild,
  type AnyStateMachine,
} from 'xstate';

/** What a machine sends itself when it has no fuel left; no transition takes it. */
const SPENT = 'spent';
export const EVENTS = ['a', 'b', 'c', 'x.y', 'x.z'] as const;
const DESCRIPTORS = [...EVENTS, '*', 'x.*'] as const;

type ActionKind =
  | 'log'
  | 'named'
  | 'params'
  | 'assign'
  | 'assign object'
  | 'raise'
  | 'raise later'
  | 'cancel'
  | 'emit'
  | 'send self'
  | 'send self later'
  | 'send invoked'
  | 'spawn'
  | 'spawn in assign'
  | 'stop child'
  | 'enqueue'
  | 'enqueue all'
  | 'throw';

interface ActionSpec {
  readonly kind: ActionKind;
  readonly tag: number;
}

interface TransitionSpec {
  readonly on: string;
  /** Index of the target state among all states of the machine, or none. */
  readonly target: number | null;
  /** Of a second target, in another region if there is one. */
  readonly second: number | null;
  readonly reenter: boolean;
  readonly guard:
    'none' | 'even' | 'named' | 'params' | 'not' | 'and' | 'stateIn' | 'never' | 'throws';
  readonly actions: readonly ActionSpec[];
}

interface StateSpec {
  readonly kind: 'plain' | 'parallel' | 'final' | 'history' | 'deep history';
  readonly children: readonly StateSpec[];
  readonly transitions: readonly TransitionSpec[];
  readonly entry: readonly ActionSpec[];
  readonly exit: readonly ActionSpec[];
  readonly tags: readonly string[];
  readonly after: TransitionSpec | null;
  readonly always: TransitionSpec | null;
  readonly invoke: 'none' | 'promise' | 'failing' | 'transition' | 'callback';
  /** What the actor that it invokes tells is taken, and not only told. */
  readonly hears: boolean;
  readonly onDone: TransitionSpec | null;
  /** Of the initial transition; of a history state: whether it has a default. */
  readonly initial: readonly ActionSpec[];
}

export interface MachineSpec {
  readonly root: StateSpec;
  readonly output: boolean;
}

const KINDS: readonly ActionKind[] = [
  'log',
  'named',
  'params',
  'assign',
  'assign object',
  'raise',
  'raise later',
  'cancel',
  'emit',
  'send self',
  'send self later',
  'send invoked',
  'spawn',
  'spawn in assign',
  'stop child',
  'enqueue',
  'enqueue all',
  'throw',
];

const action = fc.record({ kind: fc.constantFrom(...KINDS), tag: fc.nat(9) });
const actions = fc.array(action, { maxLength: 2 });

/** How often what is unusual appears. */
const rarely = <T, U>(common: T, rare: fc.Arbitrary<U>, weight: number): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 10, arbitrary: fc.constant(common) }, { weight, arbitrary: rare });

const transition = (targeted: boolean): fc.Arbitrary<TransitionSpec> =>
  fc.record({
    on: fc.constantFrom(...DESCRIPTORS),
    target: targeted ? fc.nat(30) : fc.option(fc.nat(30), { freq: 3 }),
    second: rarely(null, fc.nat(30), 1),
    reenter: fc.boolean(),
    guard: fc.constantFrom(
      'none',
      'none',
      'even',
      'named',
      'params',
      'not',
      'and',
      'stateIn',
      'never',
      'throws',
    ),
    actions,
  });

function state(depth: number, unusual: number): fc.Arbitrary<StateSpec> {
  return fc.record({
    kind: rarely(
      'plain' as const,
      fc.constantFrom(
        'parallel' as const,
        'parallel' as const,
        'final' as const,
        'history' as const,
        'deep history' as const,
      ),
      unusual,
    ),
    children: depth === 0 ? fc.constant([]) : fc.array(state(depth - 1, unusual), { maxLength: 3 }),
    transitions: fc.array(transition(false), { maxLength: 3 }),
    entry: actions,
    exit: actions,
    tags: fc.subarray(['red', 'green']),
    after: rarely(null, transition(true), 2),
    always: rarely(null, transition(true), unusual === 0 ? 0 : 1),
    invoke: rarely(
      'none' as const,
      fc.constantFrom(
        'promise' as const,
        'failing' as const,
        'transition' as const,
        'callback' as const,
      ),
      unusual === 0 ? 0 : 1,
    ),
    hears: fc.boolean(),
    onDone: rarely(null, transition(false), unusual === 0 ? 0 : 5),
    initial: rarely([], actions, 2),
  }) as fc.Arbitrary<StateSpec>;
}

/** Machines of up to three levels; some are plain throughout, some have unusual parts. */
export const machineSpec: fc.Arbitrary<MachineSpec> = fc
  .constantFrom(0, 1, 3, 10)
  .chain((unusual) =>
    fc.record({
      output: fc.boolean(),
      root: state(2, unusual).map((root) => ({
        ...root,
        kind: ['parallel', 'final'].includes(root.kind)
          ? ('parallel' as const)
          : ('plain' as const),
      })),
    }),
  )
  .filter(({ root }) => initialOf(root) >= 0);

/** What all parts of one machine share while it is built and while it runs. */
interface Shared {
  readonly targets: readonly { readonly id: string }[];
  readonly log: string[];
  /**
   * How many events the machine may still make itself. Without it a state that sets two timers for
   * every event, which each make one, doubles them as time goes by: the memory ends before it does.
   */
  fuel: number;
}

/** The next event that a machine makes itself. */
function makeEvent(shared: Shared, tag: number): { type: string } {
  shared.fuel -= 1;
  return { type: shared.fuel < 0 ? SPENT : (EVENTS[tag % EVENTS.length] as string) };
}

interface Context {
  readonly n: number;
  readonly last: string;
}

/** A machine of the description; every action that runs appends a line to `log`. */
export function build(spec: MachineSpec, log: string[]): AnyStateMachine {
  const states: { readonly id: string }[] = [];
  number(spec.root, 's', states);
  const targets = states.slice(1);
  const config = configOf(spec.root, 's', { targets, log, fuel: 100 });
  return createMachine(
    {
      ...(config as object),
      id: 's',
      context: { n: 0, last: '' },
      ...(spec.output && { output: outputOf('s', log) }),
      options: { maxIterations: 50 },
    } as never,
    {
      actions: {
        named: ({ context, event }: { context: Context; event: { type: string } }) =>
          log.push(`named ${context.n} ${event.type}`),
        params: ({ context }: { context: Context }, given: unknown) =>
          log.push(`params ${context.n} ${JSON.stringify(given)}`),
      },
      guards: {
        named: ({ context }: { context: Context }) => {
          log.push(`guard named ${context.n}`);
          return context.n % 3 !== 0;
        },
        params: ({ context }: { context: Context }, given: { limit: number }) =>
          context.n < given.limit,
      },
      actors: {
        promise: fromPromise(() => Promise.resolve('value')),
        failing: fromPromise(() => Promise.reject(new Error('It fails.'))),
        transition: fromTransition((count: number) => count + 1, 0),
        callback: fromCallback(({ receive }) => {
          log.push('callback starts');
          receive((event) => log.push(`callback got ${event.type}`));
          return () => log.push('callback ends');
        }),
      },
    } as never,
  ) as unknown as AnyStateMachine;
}

/** The index of the child to begin with; -1 for a state that is built without children. */
function initialOf({ kind, children }: StateSpec): number {
  if (kind !== 'plain' && kind !== 'parallel') return -1;
  return children.findIndex((child) => child.kind !== 'history' && child.kind !== 'deep history');
}

function number(spec: StateSpec, id: string, into: { id: string }[]): void {
  into.push({ id });
  if (initialOf(spec) < 0) return;
  spec.children.forEach((child, index) => number(child, `${id}_${index}`, into));
}

function configOf(spec: StateSpec, id: string, shared: Shared): unknown {
  const { targets, log } = shared;
  const idOf = (target: number): string =>
    `#${(targets[target % targets.length] as { id: string }).id}`;
  const transitionOf = ({ target, second, reenter, guard, actions }: TransitionSpec): object => {
    const to = target === null || targets.length === 0 ? [] : [target, second ?? target];
    return {
      ...(to.length > 0 && { target: [...new Set(to.map(idOf))] }),
      reenter,
      ...guardOf(guard, targets),
      actions: actions.flatMap((each) => actionOf(each, shared)),
    };
  };
  const common = {
    id,
    entry: [line(log, `enter ${id}`), ...spec.entry.flatMap((each) => actionOf(each, shared))],
    exit: [line(log, `exit ${id}`), ...spec.exit.flatMap((each) => actionOf(each, shared))],
    tags: spec.tags,
  };
  if (spec.kind === 'history' || spec.kind === 'deep history') {
    return { id, type: 'history', history: spec.kind === 'history' ? 'shallow' : 'deep' };
  }
  const output = spec.hears ? outputOf(id, log) : 'final';
  if (spec.kind === 'final') return { ...common, type: 'final', output };
  const on: Record<string, object[]> = {};
  for (const each of spec.transitions) {
    // A wildcard takes all that the machine makes itself, but not the sign that this has an end, nor
    // what an actor tells at its start: that would be invoked, and told, for ever.
    const bounded = each.on === '*' && {
      guard: ({ context, event: { type } }: Args) =>
        context.n < 30 && type !== SPENT && !type.startsWith('xstate.snapshot'),
    };
    (on[each.on] ??= []).push({ ...transitionOf(each), ...bounded });
  }
  const { after, always, onDone } = spec;
  const invoked = `${id} invokes`;
  const hears = spec.hears && {
    onDone: { actions: line(log, 'invoked is done') },
    onError: { actions: line(log, 'invoked has failed') },
    onSnapshot: { actions: line(log, 'invoked has changed') },
  };
  const full = {
    ...common,
    on,
    ...(after && { after: { 10: transitionOf(after) } }),
    // Without a guard that ends it, an eventless transition would run for ever; and one that sends as
    // it is taken would be taken again for what it sends.
    ...(always && {
      always: {
        ...transitionOf(always),
        guard: ({ context, event }: Args) => context.n % 7 === 3 && event.type !== SPENT,
      },
    }),
    // Sent before its target exists: the actor is made when the entry actions have run.
    ...(spec.invoke === 'callback' && {
      entry: [
        ...common.entry,
        sendTo(invoked, { type: 'hello' } as never),
        sendTo((() => invoked) as never, (() => ({ type: 'hello again' })) as never),
      ],
    }),
    ...(spec.invoke !== 'none' && { invoke: { src: spec.invoke, id: invoked, ...hears } }),
  };
  const children = Object.fromEntries(
    spec.children.map((child, index) => [`c${index}`, configOf(child, `${id}_${index}`, shared)]),
  );
  const initial = initialOf(spec);
  if (initial < 0) return full;
  const nested = { ...full, ...(onDone && { onDone: transitionOf(onDone) }), states: children };
  if (spec.kind === 'parallel') return { ...nested, type: 'parallel' };
  const begin = spec.initial.flatMap((each) => actionOf(each, shared));
  return { ...nested, initial: { target: `c${initial}`, actions: begin } };
}

function outputOf(id: string, log: string[]): unknown {
  return ({ context, event }: Args) => {
    log.push(`output of ${id} n=${context.n} on ${JSON.stringify(event)}`);
    return { of: id, n: context.n };
  };
}

function guardOf(kind: TransitionSpec['guard'], targets: readonly { id: string }[]): object {
  const even = ({ context }: { context: Context }): boolean => context.n % 2 === 0;
  switch (kind) {
    case 'none':
      return {};
    case 'even':
      return { guard: even };
    case 'named':
      return { guard: 'named' };
    case 'params':
      return { guard: { type: 'params', params: { limit: 4 } } };
    case 'not':
      return { guard: not(even as never) };
    case 'and':
      return { guard: and([even as never, 'named' as never]) };
    case 'stateIn':
      return { guard: stateIn(`#${targets[0]?.id ?? 's'}`) };
    case 'never':
      return { guard: () => false };
    case 'throws':
      return {
        guard: ({ context }: Args) => {
          if (context.n % 59 === 58) throw new Error('The guard throws.');
          return true;
        },
      };
  }
}

type Args = { context: Context; event: { type: string } };

interface Enqueue {
  readonly check: (guard: string) => boolean;
  readonly enqueue: ((action: unknown) => void) & {
    assign(update: object): void;
    raise(event: unknown): void;
    emit(event: object): void;
    sendTo(id: string, event: object): void;
    spawnChild(src: string, options: object): void;
    stopChild(id: string): void;
  };
}

function line(log: string[], text: string): (args: Args) => void {
  return ({ context, event }) => {
    log.push(`${text} n=${context.n} on ${event.type}`);
  };
}

function actionOf({ kind, tag }: ActionSpec, shared: Shared): unknown {
  const { log } = shared;
  switch (kind) {
    case 'log':
      return line(log, `log ${tag}`);
    case 'named':
      return 'named';
    case 'params':
      return { type: 'params', params: ({ event }: Args) => ({ tag, type: event.type }) };
    case 'assign':
      return assign((({ context, event }: Args) => {
        log.push(`assign ${context.n}`);
        return { n: context.n + 1 + tag, last: event.type };
      }) as never);
    case 'assign object':
      return assign({ n: (({ context }: Args) => context.n + 1) as never, last: 'fixed' } as never);
    case 'raise':
      return raiseWhileSmall(tag);
    case 'raise later':
      return raise((() => makeEvent(shared, tag)) as never, { delay: 5, id: `later ${tag}` });
    case 'cancel':
      return cancel(`later ${tag}`);
    case 'emit':
      return emit((({ context }: Args) => ({ type: 'emitted', n: context.n })) as never);
    case 'send self':
      return sendTo(
        (({ self }: { self: unknown }) => self) as never,
        (() => makeEvent(shared, tag)) as never,
      );
    case 'send self later':
      return sendTo(
        (({ self }: { self: unknown }) => self) as never,
        (() => makeEvent(shared, tag)) as never,
        { delay: 7 },
      );
    case 'spawn':
      return spawnChild('callback', { id: `child ${tag}` });
    case 'send invoked':
      // Whoever is invoked by the first state; it is an error while nobody is.
      return enqueueActions((({
        enqueue,
        self,
      }: Enqueue & { self: { getSnapshot(): unknown } }) => {
        const snapshot = self.getSnapshot() as { children?: object } | undefined;
        const [id] = Object.keys(snapshot?.children ?? {});
        if (id !== undefined) enqueue.sendTo(id, { type: 'told', tag });
      }) as never);
    case 'spawn in assign':
      return assign((({
        context,
        spawn,
      }: Args & { spawn: (src: string, given: object) => unknown }) => {
        spawn('callback', { id: `child ${tag}` });
        return { n: context.n + 1 };
      }) as never);
    case 'stop child':
      return stopChild(`child ${tag}`);
    case 'throw':
      return ({ context }: Args) => {
        if (context.n % 59 === 58) throw new Error('The action throws.');
      };
    case 'enqueue all':
      return enqueueActions((({ enqueue, check }: Enqueue) => {
        if (check('named')) enqueue('named');
        enqueue({ type: 'params', params: { tag } });
        enqueue.assign({ n: ({ context }: Args) => context.n + 1, last: 'enqueued' });
        enqueue.raise(({ context }: Args) => ({
          type: context.n < 12 ? EVENTS[tag % EVENTS.length] : SPENT,
        }));
        enqueue(({ context }: Args) => log.push(`enqueued ${context.n} ${context.last}`));
        enqueue.emit({ type: 'enqueued' });
        enqueue.spawnChild('callback', { id: `child ${tag}` });
        enqueue.stopChild(`child ${tag + 1}`);
      }) as never);
    case 'enqueue':
      return enqueueActions((({
        enqueue,
        context,
      }: {
        enqueue: { assign(update: object): void; raise(event: object): void };
        context: Context;
      }) => {
        enqueue.assign({ n: context.n + 2 });
        if (context.n < 20) enqueue.raise({ type: 'b' });
      }) as never);
  }
}

/** Counts, and raises a known event while the count is small: no cycle of raised events runs for ever. */
function raiseWhileSmall(tag: number): unknown {
  return [
    assign({ n: (({ context }: Args) => context.n + 1) as never } as never),
    raise((({ context }: Args) => ({
      type: context.n < 12 ? EVENTS[tag % EVENTS.length] : 'nobody',
    })) as never),
  ];
}
