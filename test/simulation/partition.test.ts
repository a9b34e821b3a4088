import { describe, expect, it } from 'vitest';
import { fromHandler, type AgentContext, type Ref } from 'troupe';
import { explore, done, task, type Scenario } from 'troupe/simulation';

type Event = { type: 'value'; value: number } | { type: 'ack' } | { type: 'go' };

/** A value goes to a backup, and the task is done when it is there; the sender may wait for word of it. */
const copy = (waits: boolean, loses: boolean): Scenario => ({
  name: 'copy',
  faults: { partition: { groups: [['front'], ['back']], max: 1, loses } },
  eventually: { 'the backup has it': (world) => world.state<number>('back') === 7 },
  setup({ spawn, send }) {
    task('copy');
    const back: Ref<Event> = spawn(
      fromHandler({
        initial: () => 0,
        receive(kept: number, event: Event, ctx: AgentContext<Event>) {
          if (event.type !== 'value') return kept;
          ctx.send(front, { type: 'ack' });
          return event.value;
        },
      }),
      { id: 'back' },
    );
    const front: Ref<Event> = spawn(
      fromHandler({
        receive(_state: undefined, event: Event, ctx: AgentContext<Event>) {
          if (event.type === 'go') ctx.send(back, { type: 'value', value: 7 });
          if (event.type === 'ack' || !waits) done('copy');
        },
      }),
      { id: 'front' },
    );
    send(front, { type: 'go' });
  },
});

describe('a partition', () => {
  it('holds what crosses it until it is over, and nothing is lost', () => {
    const report = explore(copy(true, false));
    expect(report.verdict).toBe('PROVED');
    // Before, during and after it: more states than without one.
    expect(report.states).toBeGreaterThan(explore({ ...copy(true, false), faults: {} }).states);
  });

  it('that loses what crosses it leaves a task open for ever, and is named in the schedule', () => {
    const { verdict, failure } = explore(copy(true, true));
    expect(verdict).toBe('STUCK');
    expect(failure?.steps.map(({ id }) => id)).toContain('partition #1');
  });

  it('that loses what crosses it shows that a task was called done too early', () => {
    expect(explore(copy(false, true)).verdict).toBe('SAFETY');
  });

  it('is refused without groups', () => {
    const faults = { partition: { groups: [], max: 1 } };
    expect(() => explore({ ...copy(true, true), faults })).toThrow(/partition\.groups/);
  });
});
