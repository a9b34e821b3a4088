// Programs that fail, for the tests of what is said and drawn of a failure.

import { fromHandler, type AgentContext, type Ref, type ReplyTo } from 'troupe';
import {
  choose,
  done,
  explore,
  requires,
  task,
  type Case,
  type Failure,
  type Report,
  type Scenario,
} from 'troupe/simulation';

type Answer = ReplyTo<{ type: 'one' }>;
export type Question = { type: 'go'; replyTo: Answer } | { type: 'q'; replyTo: Answer };
type Signal = { type: 'init' | 'use' | 'go' | 'ping' | 'pong' };

/** A and B ask each other; `deaf` ones wait for the answer and hear nothing else. */
export const peers = (deaf: boolean): Scenario => ({
  name: 'two that wait',
  setup({ system, spawn, client }) {
    const peer = (other: string) =>
      fromHandler({
        *receive(_state: undefined, event: Question, ctx: AgentContext<Question>) {
          const ref = system.ref(`/${other}`) as Ref<Question>;
          if (event.type === 'go' && deaf) yield* ctx.ask(ref, { type: 'q' });
          ctx.reply(event, { type: 'one' });
        },
      });
    const a = spawn(peer('B'), { id: 'A' });
    const b = spawn(peer('A'), { id: 'B' });
    for (const [id, ref] of [
      ['C1', a],
      ['C2', b],
    ] as const)
      client(id, function* (ctx) {
        yield* ctx.ask(ref, { type: 'go' });
      });
  },
});

export const deadlock = peers(true);

/** `use` goes by another way than `init` and may overtake it, while two others play ping-pong. */
export const overtaking: Scenario = {
  name: 'init before use',
  setup({ system, spawn, send }) {
    const quiet = fromHandler({ receive: (_state: undefined, _event: Signal) => undefined });
    const c = spawn(quiet, { id: 'C' });
    const b = spawn(
      fromHandler({
        receive: (_state: undefined, _event: Signal, ctx: AgentContext<Signal>) =>
          ctx.send(c, { type: 'use' }),
      }),
      { id: 'B' },
    );
    const a = spawn(
      fromHandler({
        receive(_state: undefined, _event: Signal, ctx: AgentContext<Signal>) {
          ctx.send(c, { type: 'init' });
          ctx.send(b, { type: 'go' });
        },
      }),
      { id: 'A' },
    );
    const player = (other: string) =>
      fromHandler({
        initial: () => 0,
        receive(count: number, _event: Signal, ctx: AgentContext<Signal>) {
          if (count < 2) ctx.send(system.ref(`/${other}`) as Ref<Signal>, { type: 'pong' });
          return count + 1;
        },
      });
    const noise = spawn(player('N2'), { id: 'N1' });
    spawn(player('N1'), { id: 'N2' });
    send(noise, { type: 'ping' });
    send(a, { type: 'go' });
  },
  ordering: [requires('C', 'use', { after: 'init' })],
};

/** A task goes from triage to a specialist and back, for ever. */
export const handoff: Scenario = {
  name: 'support team',
  setup({ system, spawn, send }) {
    task('ticket 7');
    type Handed = { type: 'task' };
    const agent = (others: readonly string[]) =>
      fromHandler({
        receive(_state: undefined, _event: Handed, ctx: AgentContext<Handed>) {
          const next = choose('route', others);
          if (next === 'done') done('ticket 7');
          else ctx.send(system.ref(`/${next}`) as Ref<Handed>, { type: 'task' });
        },
      });
    const triage = spawn(agent(['billing', 'tech', 'done']), { id: 'triage' });
    spawn(agent(['triage']), { id: 'billing' });
    spawn(agent(['triage']), { id: 'tech' });
    send(triage, { type: 'task' });
  },
};

/** The holder of a request crashes; it is told to nobody, for the agent had put the request aside. */
export const stuck: Scenario = {
  name: 'forgotten',
  setup({ spawn, ask }) {
    const desk = spawn(
      fromHandler({
        receive(_state: undefined, event: Question, ctx: AgentContext<Question>) {
          ctx.defer(event);
        },
      }),
      { id: 'desk' },
    );
    ask(desk, { type: 'q' });
  },
};

/** A report as if its failure had been shrunk to another case. */
export function shrunk(
  report: Report<undefined>,
  found: Partial<Case<undefined>>,
): Report<undefined> {
  const failure = report.failure as Failure<undefined>;
  const { steps, setup, violation } = failure;
  const minimal = {
    case: { workload: undefined, constraints: [], faults: [], choices: {}, ...found },
    steps,
    setup,
    violation,
    replays: 7,
    token: 'tr1.abc',
  };
  return { ...report, failure: { ...failure, minimal } };
}

export const reports = {
  deadlock: () => explore(deadlock),
  overtaking: () => explore(overtaking),
  handoff: () => explore(handoff),
  stuck: () => explore(stuck),
};
