// What the buggy programs of these families had to be written by hand for: the runtime's own ask,
// watch, supervisor, timers and stop do not allow it. Each of these is a proof, over all schedules.
import { describe, expect, it } from 'vitest';
import { ActorEnded, NoSuchActor, child, fromHandler, supervisor, type Down } from 'troupe';
import { done, explore, task, type Scenario } from 'troupe/simulation';
import { agent, at, ok, stateful, type Request, type Tell } from './notation.ts';
import { pair as l05 } from './l05-stop-with-queued-asks.ts';
import { pair as r01 } from './r01-lost-in-restart.ts';
import { staleTimer } from './r06-stale-timer.ts';

function prove(scenario: Scenario): void {
  const { verdict, failure } = explore(scenario, { strategy: 'exhaustive', timeMs: 30_000 });
  expect(failure?.violation).toBeUndefined();
  expect(verdict).toBe('PROVED');
}

const crashing = agent<Request<'poison'>>(() => {
  throw new Error('poison');
});

/** A client that asks until it is answered, or nobody lives there any more. */
const persistent = (tries: number): Scenario => ({
  setup(stage) {
    stage.spawn(supervisor({ intensity: 2, children: [child({ id: 'W', logic: crashing })] }), {
      id: 'Sup',
    });
    task('told');
    stage.client('C', function* (ctx) {
      for (let left = tries; left > 0; left -= 1)
        try {
          yield* ctx.ask(at<Request<'poison'>>(stage, 'Sup/W'), { type: 'poison' });
        } catch (error) {
          if (error instanceof NoSuchActor) break;
          if (!(error instanceof ActorEnded)) throw error;
        }
      done('told');
    });
  },
});

describe('the runtime', () => {
  it('fails a request whose holder crashes, so that none is lost in a restart (R01)', () => {
    prove(r01.correct);
  });

  it('delivers a poison message once, and fails its request (R02)', () => {
    prove({
      ...persistent(1),
      eventually: { 'the supervisor lives': (world) => world.isAlive('Sup/W') },
    });
  });

  it('ends a storm that a client makes by asking again and again (R02, R09)', () => {
    prove({
      ...persistent(Infinity),
      eventually: { 'the supervisor has given up': (world) => !world.isAlive('Sup') },
    });
  });

  it('ends the timers of a life with it (R06)', () => {
    prove(staleTimer('R06 with own timers', false, 'of its own'));
  });

  it('fails what waits at an agent that stops, and what comes later (L05)', () => {
    prove(l05.correct);
  });

  it('fails what waits at an agent that is stopped by another, and what it has kept', () => {
    prove({
      setup(stage) {
        const keeper = stateful<readonly Request<'wait'>[], Request<'wait'>>([], (kept, e, ctx) => {
          ctx.defer(e);
          return [...kept, e];
        });
        const parent = fromHandler({
          start: (_state: undefined, ctx) => void ctx.spawn(keeper, { id: 'Keeper' }),
          *receive(_state: undefined, _event: Tell<'end'>, ctx) {
            yield* ctx.stopChild(at(stage, 'Parent/Keeper'));
          },
        });
        const ref = stage.spawn(parent, { id: 'Parent' });
        stage.send(ref, { type: 'end' });
        for (const id of ['C1', 'C2']) {
          const ask = stage.spawn(
            fromHandler({
              *receive(_state: undefined, _event: Tell<'go'>, ctx) {
                try {
                  yield* ctx.ask(at<Request<'wait'>>(stage, 'Parent/Keeper'), { type: 'wait' });
                } catch {
                  done(id);
                }
              },
            }),
            { id },
          );
          task(id);
          stage.send(ask, { type: 'go' });
        }
      },
    });
  });

  it('tells a watcher of an agent that has ended long ago', () => {
    prove({
      setup(stage) {
        const mortal = stage.spawn(
          agent<Request<'end'>>((event, ctx) => {
            ctx.reply(event, ok);
            ctx.stop();
          }),
          { id: 'Mortal' },
        );
        task('told');
        const watcher = stage.spawn(
          agent<Tell<'watch'> | Down>(({ type }, ctx) => {
            if (type === 'watch') ctx.monitor(mortal);
            else done('told');
          }),
          { id: 'Watcher' },
        );
        stage.client('C', function* (ctx) {
          yield* ctx.ask(mortal, { type: 'end' });
        });
        stage.send(watcher as ReturnType<typeof at<Tell<'watch'>>>, { type: 'watch' });
      },
    });
  });
});
