/**
 * A machine as an agent is the machine: for generated machines and events, the agent and a plain
 * `createActor` of the same machine show the same snapshots and run the same actions in the same
 * order. `TROUPE_RUNS` makes it many more machines.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  SimulatedClock,
  and,
  assign,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  not,
  or,
  raise,
  sendTo,
  stateIn,
  type AnyStateMachine,
} from 'xstate';
import { createTestSystem } from 'troupe/testing';

const RUNS = Number(process.env['TROUPE_RUNS'] ?? 1) * 400;
const EVENTS = ['e.0', 'e.1', 'e.2', 'other'] as const;
const TAGS = ['red', 'green', 'blue'] as const;

// ── What is generated ─────────────────────────────────────────────────────────────────────────

type Guard =
  | { readonly of: 'modulo'; readonly by: number; readonly rest: number }
  | { readonly of: 'not'; readonly guard: Guard }
  | { readonly of: 'and' | 'or'; readonly guards: readonly Guard[] }
  | { readonly of: 'stateIn'; readonly state: number };

type Action =
  | { readonly of: 'log' | 'assign' | 'emit'; readonly n: number }
  | { readonly of: 'raise' | 'self'; readonly event: string }
  | { readonly of: 'later'; readonly event: string; readonly delay: number }
  | { readonly of: 'enqueue'; readonly guard: Guard; readonly actions: readonly Action[] };

interface Transition {
  readonly target: number | undefined;
  readonly reenter: boolean;
  readonly guard: Guard | undefined;
  readonly actions: readonly Action[];
}

interface Node {
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'shallow' | 'deep';
  readonly initial: number;
  readonly on: readonly { readonly event: string; readonly transition: Transition }[];
  readonly always: Transition | undefined;
  readonly after: { readonly delay: number; readonly transition: Transition } | undefined;
  readonly onDone: Transition | undefined;
  readonly entry: readonly Action[];
  readonly exit: readonly Action[];
  readonly tags: readonly string[];
  readonly children: readonly Node[];
}

const modulo: fc.Arbitrary<Guard> = fc.record({
  of: fc.constant('modulo' as const),
  by: fc.integer({ min: 2, max: 3 }),
  rest: fc.nat(2),
});
const guard: fc.Arbitrary<Guard> = fc.oneof(
  { weight: 4, arbitrary: modulo },
  fc.record({ of: fc.constant('not' as const), guard: modulo }),
  fc.record({
    of: fc.constantFrom('and' as const, 'or' as const),
    guards: fc.array(modulo, { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ of: fc.constant('stateIn' as const), state: fc.nat(20) }),
);
const event = fc.constantFrom(...EVENTS);
const delay = fc.integer({ min: 1, max: 3 });
const simple: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    of: fc.constantFrom('log' as const, 'assign' as const, 'emit' as const),
    n: fc.nat(5),
  }),
  fc.record({ of: fc.constantFrom('raise' as const, 'self' as const), event }),
  fc.record({ of: fc.constant('later' as const), event, delay }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: simple },
  fc.record({
    of: fc.constant('enqueue' as const),
    guard,
    actions: fc.array(simple, { maxLength: 2 }),
  }),
);
const actions = fc.array(action, { maxLength: 2 });
const optional = <T>(arbitrary: fc.Arbitrary<T>, freq = 1) =>
  fc.option(arbitrary, { nil: undefined, freq });
const transition: fc.Arbitrary<Transition> = fc.record({
  target: optional(fc.nat(20), 4),
  reenter: fc.boolean(),
  guard: optional(guard),
  actions,
});
const descriptor = fc.constantFrom(...EVENTS, '*', 'e.*');

function node(depth: number): fc.Arbitrary<Node> {
  const kinds =
    depth === 0
      ? (['atomic', 'atomic', 'atomic', 'final', 'shallow', 'deep'] as const)
      : ([
          'atomic',
          'atomic',
          'compound',
          'compound',
          'parallel',
          'final',
          'shallow',
          'deep',
        ] as const);
  return fc.record({
    kind: fc.constantFrom(...kinds),
    initial: fc.nat(3),
    on: fc.array(fc.record({ event: descriptor, transition }), { maxLength: 3 }),
    // Without a guard it would fire for ever.
    always: fc
      .option(fc.tuple(transition, guard), { nil: undefined, freq: 1 })
      .map((given) =>
        given === undefined ? undefined : { ...given[0], guard: given[0].guard ?? given[1] },
      ),
    after: optional(fc.record({ delay, transition })),
    onDone: optional(transition),
    entry: actions,
    exit: actions,
    tags: fc.subarray([...TAGS]),
    children:
      depth === 0 ? fc.constant([]) : fc.array(node(depth - 1), { minLength: 1, maxLength: 3 }),
  });
}

const root = node(2).chain((tree) =>
  fc
    .record({
      kind: fc.constantFrom('compound' as const, 'compound' as const, 'parallel' as const),
      children: fc.array(node(1), { minLength: 2, maxLength: 3 }),
    })
    .map(({ kind, children }): Node => {
      const first: Node =
        tree.kind === 'shallow' || tree.kind === 'deep' ? { ...tree, kind: 'compound' } : tree;
      return { ...tree, kind, children: [first, ...children], always: undefined };
    }),
);

/** An event, or so many milliseconds that pass. */
const steps = fc.array(fc.oneof({ weight: 3, arbitrary: event }, fc.integer({ min: 1, max: 3 })), {
  minLength: 1,
  maxLength: 8,
});

// ── How it is built ───────────────────────────────────────────────────────────────────────────

/**
 * The machine of a tree; all that it does is written to the log. It has timers or sends to itself,
 * not both: of two timers that are due together, a plain actor handles what the first leads to
 * before the second fires, and for an agent both are messages that have arrived.
 */
function build(tree: Node, timed: boolean, log: string[]): AnyStateMachine {
  const ids: string[] = [];
  const name = (given: Node, id: string): void => {
    given.children.forEach((child, index) => {
      ids.push(`${id}_${index}`);
      name(child, `${id}_${index}`);
    });
  };
  name(tree, 'm');
  const idOf = (state: number): string => `#${ids[state % ids.length]}`;

  const guardOf = (given: Guard): any => {
    switch (given.of) {
      case 'modulo':
        return ({ context }: any) => {
          log.push(`guard ${context.n}%${given.by}`);
          return context.n % given.by === given.rest % given.by;
        };
      case 'not':
        return not(guardOf(given.guard));
      case 'and':
        return and(given.guards.map(guardOf));
      case 'or':
        return or(given.guards.map(guardOf));
      case 'stateIn':
        return stateIn(idOf(given.state));
    }
  };
  // So many events it may make itself, so that there is an end.
  let fuel = 30;
  const actionOf = (given: Action): any => {
    switch (given.of) {
      case 'log':
        return ({ context, event: on }: any) =>
          void log.push(`log ${given.n} ${context.n} ${on.type}`);
      case 'assign':
        return assign(({ context }: any) => {
          log.push(`assign ${given.n}`);
          return { n: context.n + given.n };
        });
      case 'emit':
        return emit({ type: `emitted.${given.n}` });
      case 'enqueue':
        return enqueueActions(({ enqueue, check }: any) => {
          if (check(guardOf(given.guard)))
            for (const each of given.actions) enqueue(actionOf(each));
        });
      default:
        return enqueueActions(({ enqueue }: any) => {
          if ((fuel -= 1) < 0) return;
          const next = { type: given.event, fuel };
          if (given.of === 'raise') enqueue(raise(next));
          else if (!timed) enqueue(sendTo(({ self }: any) => self, next));
          else enqueue(raise(next, { delay: given.of === 'later' ? given.delay : 1 }));
        });
    }
  };
  const transitionOf = (given: Transition): object => ({
    ...(given.target !== undefined && { target: idOf(given.target), reenter: given.reenter }),
    ...(given.guard && { guard: guardOf(given.guard) }),
    actions: given.actions.map(actionOf),
  });
  const group = (on: Node['on']): object => {
    const all: Record<string, object[]> = {};
    for (const { event: type, transition: given } of on)
      (all[type] ??= []).push(transitionOf(given));
    return all;
  };
  const config = (given: Node, id: string, inParallel: boolean): any => {
    if (given.kind === 'shallow' || given.kind === 'deep')
      return { id, type: 'history', history: given.kind };
    if (given.kind === 'final' && !inParallel) {
      return { id, type: 'final', entry: given.entry.map(actionOf), tags: given.tags, output: id };
    }
    const { children } = given;
    const nested = given.kind === 'compound' || given.kind === 'parallel';
    // A state needs a child to begin in that is no history.
    const usable = children
      .map((child, index) => ({ child, index }))
      .filter(({ child }) => child.kind !== 'shallow' && child.kind !== 'deep');
    const first = usable[given.initial % Math.max(1, usable.length)]?.index;
    return {
      id,
      entry: given.entry.map(actionOf),
      exit: given.exit.map(actionOf),
      tags: given.tags,
      on: group(given.on),
      ...(given.always && { always: transitionOf(given.always) }),
      ...(timed &&
        given.after && { after: { [given.after.delay]: transitionOf(given.after.transition) } }),
      ...(nested &&
        first !== undefined && {
          ...(given.kind === 'parallel' ? { type: 'parallel' } : { initial: `s${first}` }),
          ...(given.onDone && { onDone: transitionOf(given.onDone) }),
          states: Object.fromEntries(
            children.map((child, index) => [
              `s${index}`,
              config(child, `${id}_${index}`, given.kind === 'parallel'),
            ]),
          ),
        }),
    };
  };
  /** Children that were left out, since no state could begin in them, are no targets. */
  const used = new Set<string>();
  const collect = (given: any): void => {
    used.add(given.id);
    Object.values(given.states ?? {}).forEach(collect);
  };
  collect(config(tree, 'm', false));
  ids.splice(0, ids.length, ...ids.filter((id) => used.has(id)));
  return createMachine({
    ...config(tree, 'm', false),
    context: { n: 0 },
    output: ({ context }: any) => context.n,
    options: { maxIterations: 60 },
  } as any);
}

// ── What is compared ──────────────────────────────────────────────────────────────────────────

interface Seen {
  readonly snapshots: object[];
  readonly log: string[];
}

function look(snapshot: any): object {
  const { status, value, context, tags, output, error } = snapshot;
  return { status, value, context, tags: [...(tags ?? [])], output, error: error?.message };
}

function plain(tree: Node, timed: boolean, given: readonly (string | number)[]): Seen {
  const log: string[] = [];
  const snapshots: object[] = [];
  const clock = new SimulatedClock();
  const actor = createActor(build(tree, timed, log), { clock });
  actor.subscribe({ error: () => undefined });
  actor.on('*', ({ type }: any) => log.push(type));
  actor.start();
  snapshots.push(look(actor.getSnapshot()));
  for (const step of given) {
    if (actor.getSnapshot().status !== 'active') break;
    if (typeof step === 'string') actor.send({ type: step });
    else for (let ms = 0; ms < step; ms += 1) clock.increment(1);
    snapshots.push(look(actor.getSnapshot()));
  }
  return { snapshots, log };
}

async function agent(
  tree: Node,
  timed: boolean,
  given: readonly (string | number)[],
): Promise<Seen> {
  const log: string[] = [];
  const snapshots: object[] = [];
  const system = createTestSystem();
  const ref = system.spawn(build(tree, timed, log)) as any;
  ref.on('*', ({ type }: any) => log.push(type));
  const settle = () => {
    while (system.step());
  };
  settle();
  snapshots.push(look(ref.getSnapshot()));
  for (const step of given) {
    if (ref.getSnapshot().status !== 'active') break;
    if (typeof step === 'string') {
      ref.send({ type: step });
      settle();
    } else for (let ms = 0; ms < step; ms += 1) await system.advance(1);
    snapshots.push(look(ref.getSnapshot()));
  }
  await system.stop();
  expect(system.stats().timers).toBe(0);
  return { snapshots, log };
}

describe('a machine as an agent', () => {
  it(
    'shows the same snapshots and runs the same actions in the same order as a plain actor of it',
    async () => {
      const covered = { done: 0, error: 0, parallel: 0, deep: 0, events: 0, actions: 0 };
      await fc.assert(
        fc.asyncProperty(root, fc.boolean(), steps, async (tree, timed, given) => {
          const expected = plain(tree, timed, given);
          const actual = await agent(tree, timed, given);
          expect(actual).toEqual(expected);
          const { status, value } = expected.snapshots.at(-1) as any;
          if (status === 'done' || status === 'error') covered[status as 'done' | 'error'] += 1;
          if (typeof value === 'object' && value !== null) covered.deep += 1;
          if (JSON.stringify(value)?.includes(',')) covered.parallel += 1;
          covered.events += expected.snapshots.length;
          covered.actions += expected.log.length;
        }),
        { numRuns: RUNS },
      );
      // What is generated must be worth comparing.
      expect(covered.done).toBeGreaterThan(RUNS / 100);
      expect(covered.parallel).toBeGreaterThan(RUNS / 20);
      expect(covered.deep).toBeGreaterThan(RUNS / 5);
      expect(covered.events).toBeGreaterThan(RUNS * 2);
      expect(covered.actions).toBeGreaterThan(RUNS * 5);
      if (process.env['TROUPE_RUNS'] !== undefined) console.log(covered);
    },
    RUNS * 150,
  );
});
