import { sendTo, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { agentName, ask, createSystem, fromHandler, reply, type Ref, type ReplyTo } from 'troupe';
import { mermaidGraph, scenarioGraph, staticGraph } from 'troupe/simulation';
import { team } from '../cli/fixtures/machines.ts';

type Question = { type: 'q'; replyTo: ReplyTo<{ type: 'a' }> };
type Task = { type: 'task'; left: number };

const Desk = agentName<Ref<Question>>('desk');
const ofKind = (kind: string) =>
  scenarioGraph(team, undefined).warnings.filter((each) => each.kind === kind);

describe('the static look', () => {
  it('sees what machines send, ask and hand on, and where', () => {
    expect(scenarioGraph(team, undefined).links).toEqual([
      { from: 'left', to: 'right', type: 'q', kind: 'ask', at: 'asking' },
      { from: 'right', to: 'left', type: 'q', kind: 'ask', at: 'asking' },
      { from: 'one', to: 'two', type: 'task', kind: 'forward', at: 'its root', on: 'task' },
      { from: 'two', to: 'one', type: 'task', kind: 'forward', at: 'its root', on: 'task' },
      { from: 'two', to: 'one', type: 'log', kind: 'send', at: 'its root', on: 'task' },
    ]);
  });

  it('warns of machines that may ask each other in a circle', () => {
    expect(ofKind('ask cycle')).toMatchObject([{ agents: ['left', 'right'] }]);
  });

  it('warns of an ask that only the default deadline ends, and of no other', () => {
    expect(ofKind('ask without timeout')).toMatchObject([{ agents: ['left', 'right'] }]);
  });

  it('warns of an event that no state handles', () => {
    expect(ofKind('unhandled').map(({ message }) => message)).toEqual([
      'two sends "log" to one in its root, and no state of one handles it',
    ]);
  });

  it('warns of an event for somebody who is not among the agents', () => {
    const system = createSystem({ log: false });
    const logic = setup({ types: { events: {} as { type: 'start' } } }).createMachine({
      on: {
        start: {
          actions: sendTo(() => system.ref('/stock') as Ref<Task>, { type: 'task', left: 1 }),
        },
      },
    });
    expect(staticGraph([{ name: 'starter', logic }]).warnings).toEqual([
      {
        kind: 'nobody there',
        message: 'starter sends "task" to stock in its root, and stock is not among the agents',
        agents: ['starter', 'stock'],
      },
    ]);
  });

  it('warns of a handoff that nobody ever keeps', () => {
    expect(ofKind('handoff without exit')).toMatchObject([{ agents: ['one', 'two'] }]);
  });

  it('does not warn of a handoff that a guarded transition ends', () => {
    const system = createSystem({ log: false });
    const hands = setup({ types: { events: {} as Task } });
    const handing = (to: string) =>
      hands.createMachine({
        on: {
          task: [
            { guard: ({ event }) => event.left === 0 },
            {
              actions: sendTo(
                () => system.ref(to) as Ref<Task>,
                ({ event }) => event,
              ),
            },
          ],
        },
      });
    const graph = staticGraph([
      { name: 'one', logic: handing('/two') },
      { name: 'two', logic: handing('/one') },
    ]);
    expect(graph.links).toHaveLength(2);
    expect(graph.warnings).toEqual([]);
  });

  it('finds a target that stands in the context of the start', () => {
    const system = createSystem({ log: false });
    const context = { critic: system.ref('/critic') as Ref<{ type: 'review' }> };
    const logic = setup({ types: { context: {} as typeof context } }).createMachine({
      context,
      entry: sendTo(({ context: { critic } }) => critic, { type: 'review' }),
    });
    expect(staticGraph([{ name: 'writer', logic, context }]).links).toMatchObject([
      { from: 'writer', to: 'critic', type: 'review' },
    ]);
    expect(staticGraph([{ name: 'writer', logic }]).unseen).toEqual([
      'writer sends "review" in its root: to whom',
    ]);
  });

  it('says what it cannot see: function agents, and actions that are functions', () => {
    const logic = setup({
      types: { events: {} as Question | { type: 'go' } },
      actors: { askDesk: ask(Desk, 'q', { timeoutMs: 5 }) },
      actions: { notify: () => undefined },
    }).createMachine({
      invoke: { src: 'askDesk' },
      on: { go: { actions: 'notify' }, q: { actions: reply({ type: 'a' }) } },
    });
    const graph = staticGraph([
      { name: 'clerk', logic },
      { name: 'desk', names: ['desk'], logic: fromHandler({ receive: () => undefined }) },
    ]);
    expect(graph.links).toMatchObject([{ from: 'clerk', to: 'desk', kind: 'ask' }]);
    // A reply goes to whoever asked, and is no secret.
    expect(graph.unseen).toEqual([
      'clerk calls notify in its root on "go"',
      'desk is a function: what it sends and handles',
    ]);
    expect(graph.warnings).toEqual([]);
  });

  it('is drawn as a graph: asks thick, handoffs dotted, functions round', () => {
    const text = mermaidGraph(scenarioGraph(team, undefined));
    expect(text).toMatch(/^graph LR\n {2}a0\["left"\]\n/);
    expect(text).toContain('a0 ==>|"q"| a1');
    expect(text).toContain('a2 -.->|"task"| a3');
    expect(text).toContain('a4("opaque")');
  });
});
