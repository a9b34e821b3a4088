/**
 * D01, D02, D04 and D05 as machines: a state that invokes an ask and postpones what else comes is as
 * deaf as a handler that waits.
 */
import { assign, setup } from 'xstate';
import { ask, here, reply, type PostponeMeta, type Ref } from 'troupe';
import { done, task, type Scenario } from 'troupe/simulation';
import { pair as d01 } from '../d01-ask-self.ts';
import { pair as d02 } from '../d02-ask-cycle.ts';
import { pair as d04 } from '../d04-reentrant-callback.ts';
import { pair as d05 } from '../d05-philosophers.ts';
import { at, client, ok, type Request, type Tell } from '../notation.ts';
import type { Pair } from '../pair.ts';

type Asked = Request<'go' | 'q'>;
type Postponed = readonly ('go' | 'q')[];

/** Asked to `go`, it asks another `q` first. `q` it answers at once, unless it puts that off too. */
const peer = (other: Ref<Asked>, postpone: Postponed) =>
  setup({
    types: {
      context: {} as { readonly of: Request<'go'> | undefined },
      events: {} as Asked,
      meta: {} as PostponeMeta<Asked>,
    },
    actors: { askOther: ask(other, 'q') },
  }).createMachine({
    context: { of: undefined },
    on: { q: { actions: reply(ok) } },
    initial: 'idle',
    states: {
      idle: {
        on: { go: { target: 'asking', actions: assign({ of: ({ event }) => event }) } },
      },
      asking: {
        meta: { postpone },
        invoke: {
          src: 'askOther',
          onDone: {
            target: 'idle',
            actions: reply({ to: ({ context }) => context.of!, with: ok }),
          },
        },
      },
    },
  });

const alone = (postpone: Postponed): Scenario => ({
  name: `D01 as a machine that postpones ${postpone.join(' and ')}`,
  setup(stage) {
    stage.spawn(peer(at<Asked>(stage, 'A'), postpone), { id: 'A' });
    client(stage, 'C', at<Request<'go'>>(stage, 'A'), 'go');
  },
});

/** Each has a number of clients: with two there is mostly something that is put off. */
export const two = (postpone: Postponed, clients = 1): Scenario => ({
  name: `D02 as machines that postpone ${postpone.join(' and ')}`,
  setup(stage) {
    for (const [id, other] of ['AB', 'BA'] as const) {
      stage.spawn(peer(at<Asked>(stage, other!), postpone), { id: id! });
      for (let number = 1; number <= clients; number += 1)
        client(stage, `C${id}${number}`, at<Request<'go'>>(stage, id!), 'go');
    }
  },
});

/** K is a `peer`; the worker that it asks either asks back before it answers, or does not. */
const callback = (asksBack: boolean): Scenario => ({
  name: `D04 as machines, ${asksBack ? 'with' : 'without'} a callback`,
  setup(stage) {
    stage.spawn(peer(at<Asked>(stage, 'W'), ['go', 'q']), { id: 'K' });
    const worker = setup({
      types: {
        context: {} as { readonly of: Request<'q'> | undefined },
        events: {} as Request<'q'>,
      },
      actors: { askBack: ask(at<Asked>(stage, 'K'), 'q') },
    }).createMachine({
      context: { of: undefined },
      initial: 'idle',
      states: {
        idle: {
          on: {
            q: asksBack
              ? { target: 'asking', actions: assign({ of: ({ event }) => event }) }
              : { actions: reply(ok) },
          },
        },
        asking: {
          invoke: {
            src: 'askBack',
            onDone: {
              target: 'idle',
              actions: reply({ to: ({ context }) => context.of!, with: ok }),
            },
          },
        },
      },
    });
    stage.spawn(worker, { id: 'W' });
    client(stage, 'C', at<Request<'go'>>(stage, 'K'), 'go');
  },
});

type ForkEvent = Request<'take'> | Tell<'put'>;

/** A taken fork needs no queue: it postpones whoever wants it. */
const fork = setup({
  types: { events: {} as ForkEvent, meta: {} as PostponeMeta<ForkEvent> },
}).createMachine({
  initial: 'free',
  states: {
    free: { on: { take: { target: 'taken', actions: reply(ok) } } },
    taken: { meta: { postpone: ['take'] }, on: { put: 'free' } },
  },
});

const philosopher = (first: Ref<ForkEvent>, second: Ref<ForkEvent>, meal: string) =>
  setup({
    actors: { takeFirst: ask(first, 'take'), takeSecond: ask(second, 'take') },
    actions: {
      putBoth: () => {
        here().send(first, { type: 'put' });
        here().send(second, { type: 'put' });
      },
      eat: () => done(meal),
    },
  }).createMachine({
    initial: 'hungry',
    states: {
      hungry: { invoke: { src: 'takeFirst', onDone: 'waiting' } },
      waiting: { invoke: { src: 'takeSecond', onDone: 'full' } },
      full: { entry: ['putBoth', 'eat'] },
    },
  });

const philosophers = (isOrdered: boolean): Scenario => ({
  name: `D05 as machines, ${isOrdered ? 'ordered' : 'cyclic'}`,
  setup(stage) {
    for (const index of [0, 1, 2]) stage.spawn(fork, { id: `F${index}` });
    for (const index of [0, 1, 2]) {
      const own = [index, (index + 1) % 3];
      const [first, second] = (isOrdered ? own.toSorted((a, b) => a - b) : own).map((number) =>
        at<ForkEvent>(stage, `F${number}`),
      );
      task(`p${index}`);
      stage.spawn(philosopher(first!, second!, `p${index}`), { id: `P${index}` });
    }
  },
});

export const waiting: readonly Pair[] = [
  { ...d01, buggy: alone(['go', 'q']), correct: alone(['go']) },
  { ...d02, buggy: two(['go', 'q']), correct: two(['go']) },
  { ...d04, buggy: callback(true), correct: callback(false) },
  { ...d05, buggy: philosophers(false), correct: philosophers(true) },
];
