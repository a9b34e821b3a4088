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
  not,
  raise,
  sendTo,
  spawnChild,
  stateIn,
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
  | 'spawn'
  | 'enqueue';

interface ActionSpec {
  readonly kind: ActionKind;
  readonly tag: number;
}

interface TransitionSpec {
  readonly on: string;
  /** Index of the target state among all states of the machine, or none. */
  readonly target: number | null;
  readonly reenter: boolean;
  readonly guard: 'none' | 'even' | 'named' | 'params' | 'not' | 'and' | 'stateIn' | 'never';
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
  readonly invoke: 'none' | 'promise' | 'callback';
}

export interface MachineSpec {
  readonly root: StateSpec;
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
  'spawn',
  'enqueue',
];

const action = fc.record({ kind: fc.constantFrom(...KINDS), tag: fc.nat(9) });
const actions = fc.array(action, { maxLength: 2 });

const transition = (targeted: boolean): fc.Arbitrary<TransitionSpec> =>
  fc.record({
    on: fc.constantFrom(...DESCRIPTORS),
    target: targeted ? fc.nat(30) : fc.option(fc.nat(30), { freq: 3 }),
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
    ),
    actions,
  });

/** How often what is unusual appears: a machine without it exercises the plans, one with it the border. */
const rarely = <T, U>(common: T, rare: fc.Arbitrary<U>, weight: number): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 10, arbitrary: fc.constant(common) }, { weight, arbitrary: rare });

function state(depth: number, unusual: number): fc.Arbitrary<StateSpec> {
  return fc.record({
    kind: rarely(
      'plain' as const,
      fc.constantFrom(
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
      fc.constantFrom('promise' as const, 'callback' as const),
      unusual === 0 ? 0 : 1,
    ),
  }) as fc.Arbitrary<StateSpec>;
}

/** Machines of up to three levels; some are plain throughout, some have unusual parts. */
export const machineSpec: fc.Arbitrary<MachineSpec> = fc
  .constantFrom(0, 1, 3)
  .chain((unusual) =>
    fc.record({
      root: state(2, unusual).map((root) => ({
        ...root,
        kind: root.kind === 'parallel' ? ('parallel' as const) : ('plain' as const),
      })),
    }),
  )
  .filter(({ root }) => root.children.some((child) => child.kind === 'plain'));

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
  const transitionOf = ({ target, reenter, guard, actions }: TransitionSpec): object => {
    const to =
      target === null || targets.length === 0 ? undefined : targets[target % targets.length];
    return {
      ...(to && { target: `#${to.id}` }),
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
  if (spec.kind === 'final') return { ...common, type: 'final', output: 'final' };
  const on: Record<string, object[]> = {};
  for (const each of spec.transitions) {
    // A wildcard takes all that the machine makes itself, but not the sign that this has an end.
    const bounded = each.on === '*' && {
      guard: ({ context, event }: Args) => context.n < 30 && event.type !== SPENT,
    };
    (on[each.on] ??= []).push({ ...transitionOf(each), ...bounded });
  }
  const { after, always } = spec;
  const full = {
    ...common,
    on,
    ...(after && { after: { 10: transitionOf(after) } }),
    // Without a guard that ends it, an eventless transition would run for ever.
    ...(always && {
      always: {
        ...transitionOf(always),
        guard: ({ context }: { context: Context }) => context.n % 7 === 3,
      },
    }),
    ...(spec.invoke !== 'none' && { invoke: { src: spec.invoke, id: `${id} invokes` } }),
  };
  const children = Object.fromEntries(
    spec.children.map((child, index) => [`c${index}`, configOf(child, `${id}_${index}`, shared)]),
  );
  const initial = initialOf(spec);
  if (initial < 0) return full;
  return spec.kind === 'parallel'
    ? { ...full, type: 'parallel', states: children }
    : { ...full, initial: `c${initial}`, states: children };
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
  }
}

type Args = { context: Context; event: { type: string } };

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
        { delay: 7 },
      );
    case 'spawn':
      return spawnChild('callback', { id: `child ${tag}` });
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
