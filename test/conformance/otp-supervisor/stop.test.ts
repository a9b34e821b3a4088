// OTP's supervisor_SUITE, group sup_stop. Each test bears the name of its case.
import { describe, expect, it } from 'vitest';
import { dynamicSupervisor, startChild, supervisor, type Restart } from 'troupe';
import { ENDS, Stage, slowStop, type End } from '../../supervision/cast.ts';

const RESTARTS: readonly Restart[] = ['permanent', 'transient', 'temporary'];
const OWN_ENDS: readonly End[] = ['normal', 'shutdown', 'shutdown with a detail', 'crash'];

describe('sup_stop', () => {
  it('sup_stop_infinity: workers may have all the time they need, and end with shutdown', async () => {
    const stage = new Stage();
    const stop = slowStop(100_000);
    const sup = await stage.start(
      supervisor({
        children: [
          stage.spec('a', { shutdown: 'infinity', stop }),
          stage.spec('b', { shutdown: 'infinity', type: 'worker', stop }),
        ],
      }),
    );
    expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
    expect(stage.reason('/sup/a')).toEqual({ type: 'shutdown' });
    expect(stage.reason('/sup/b')).toEqual({ type: 'shutdown' });
    expect(stage.system.nowMs).toBe(200_000);
  });

  it('sup_stop_timeout: a busy child is killed when its time is over; its sibling ends with shutdown', async () => {
    const stage = new Stage();
    const busy = { shutdown: 1_000, trapExit: true };
    const sup = await stage.start(
      supervisor({ children: [stage.spec('a', busy), stage.spec('b', busy)] }),
    );
    stage.ref('/sup/b').send({ type: 'busy' });
    await stage.now();
    const stopping = sup.stop();
    await stage.system.advance(999);
    expect([stage.reason('/sup/b'), stage.life('/sup/a')]).toEqual([undefined, 1]);
    await stage.system.advance(1);
    expect(stage.reason('/sup/b')).toEqual({ type: 'killed' });
    expect(stage.reason('/sup/a')).toEqual({ type: 'shutdown' });
    expect(await stage.run(stopping)).toEqual({ type: 'shutdown' });
    expect(stage.reported('shutdown_error')).toMatchObject([
      { level: 'error', fields: { child: { id: 'b' }, reason: 'killed' } },
    ]);
  });

  it('sup_stop_timeout_dynamic: the children of a dynamic supervisor share the wait', async () => {
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor());
    const options = { shutdown: 1_000, trapExit: true };
    for (const id of ['a', 'b', 'c']) await stage.run(startChild(sup, stage.spec(id, options)));
    stage.ref('/sup/a').send({ type: 'busy' });
    stage.ref('/sup/c').send({ type: 'busy' });
    await stage.now();
    expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
    expect(stage.system.nowMs).toBe(1_000);
    expect(['a', 'b', 'c'].map((id) => stage.reason(`/sup/${id}`)?.type)).toEqual([
      'killed',
      'shutdown',
      'killed',
    ]);
  });

  it('sup_stop_brutal_kill: a brutal_kill child is killed without its cleanup, its sibling ends with shutdown', async () => {
    const stage = new Stage();
    const cleaned: string[] = [];
    const sup = await stage.start(
      supervisor({
        children: [
          stage.spec('a', { stop: () => void cleaned.push('a') }),
          stage.spec('b', { shutdown: 'brutal_kill', stop: () => void cleaned.push('b') }),
        ],
      }),
    );
    expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
    expect(stage.reason('/sup/a')).toEqual({ type: 'shutdown' });
    expect(stage.reason('/sup/b')).toEqual({ type: 'killed' });
    expect(cleaned).toEqual(['a']);
    // It ended as it was told to.
    expect(stage.reported('shutdown_error')).toEqual([]);
  });

  it('sup_stop_brutal_kill_dynamic: so are all of a dynamic supervisor', async () => {
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor());
    const ids = Array.from({ length: 10 }, (_, index) => `w${index}`);
    for (const id of ids)
      await stage.run(startChild(sup, stage.spec(id, { shutdown: 'brutal_kill' })));
    expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
    expect(ids.map((id) => stage.reason(`/sup/${id}`)?.type)).toEqual(ids.map(() => 'killed'));
    expect(stage.reported('shutdown_error')).toEqual([]);
  });

  it('sup_stop_race: children that stop by themselves while the supervisor shuts down are not restarted', async () => {
    const stage = new Stage();
    const racers = RESTARTS.flatMap((restart) =>
      OWN_ENDS.map((how) => ({ id: `${restart}-${OWN_ENDS.indexOf(how)}`, restart, how })),
    );
    const sup = await stage.start(
      supervisor({
        children: [
          stage.spec('first'),
          ...racers.map(({ id, restart }) => stage.spec(id, { restart })),
          stage.spec('last', { stop: slowStop(1_000) }),
        ],
      }),
    );
    const stopping = sup.stop();
    await stage.system.advance(500);
    expect(stage.at('/sup')?.status).toBe('stopping');
    for (const { id, how } of racers) await stage.end(how, `/sup/${id}`);
    // They are gone while the last one still cleans up, and the first one still runs.
    expect(stage.at('/sup')?.children.map(({ path }) => path)).toEqual(['/sup/first', '/sup/last']);
    expect(await stage.run(stopping)).toEqual({ type: 'shutdown' });
    for (const { id, how } of racers) {
      expect(stage.starts[id]).toBe(1);
      expect(stage.reason(`/sup/${id}`)).toEqual(ENDS[how]);
    }
    expect(stage.reason('/sup/first')).toEqual({ type: 'shutdown' });
    expect(stage.starts['first']).toBe(1);
  });

  it('sup_stop_non_shutdown_exit_dynamic: whatever children end with, a dynamic supervisor completes its shutdown', async () => {
    for (const restart of RESTARTS) {
      for (const how of OWN_ENDS) {
        const stage = new Stage();
        const sup = await stage.start(dynamicSupervisor());
        for (const id of ['a', 'b'])
          await stage.run(startChild(sup, stage.spec(id, { restart, trapExit: true })));
        // While they finish what they are at, they come to an end of their own.
        for (const id of ['a', 'b']) {
          stage.ref(`/sup/${id}`).send({ type: 'work', ms: 10 });
          stage.ref(`/sup/${id}`).send({ type: 'end', reason: ENDS[how] });
        }
        await stage.now();
        const stopping = sup.stop();
        await stage.end(how, '/sup/a', '/sup/b');
        expect(await stage.run(stopping)).toEqual({ type: 'shutdown' });
        expect(stage.starts).toEqual({ a: 1, b: 1 });
      }
    }
  });
});
