/**
 * R06: the timer of an earlier life hits the next job.
 *
 * W has a deadline for each job, at a clock of its own that survives its restart. When W crashes in
 * job 1, it goes on with job 2, and the deadline of job 1 ends job 2. The correct W looks whose
 * deadline it is.
 */
import { child, fromHandler, supervisor, type AgentContext } from 'troupe';
import { assert, done, task, type Scenario } from 'troupe/simulation';
import { agent, at, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

type Job = { readonly type: 'job'; readonly job: number };
type Late = { readonly type: 'late'; readonly job: number };
type Set = { readonly type: 'set' | 'clear'; readonly job: number };
type Do = { readonly type: 'do'; readonly job: number };
type Finished = { readonly type: 'finished'; readonly job: number };
type Own = Job | Late | Finished;

/** With timers of its own, which end with its life, W need not look whose a deadline is. */
export const staleTimer = (
  name: string,
  looksWhose: boolean,
  timers: 'of a clock' | 'of its own' = 'of a clock',
): Scenario => ({
  name,
  faults: { crash: { of: ['Sup/W'], max: 1, when: ['before'] } },
  setup(stage) {
    const w = at<Own>(stage, 'Sup/W');
    const clock = at<Set>(stage, 'Clock');
    const desk = at<Finished | Tell<'begin' | 'next'>>(stage, 'D');
    const worker = fromHandler({
      initial: () => 0,
      start(_current: number, ctx: AgentContext<Own>) {
        if (ctx.incarnation > 1) ctx.send(desk, { type: 'next' });
      },
      receive(current: number, event: Own, ctx: AgentContext<Own>) {
        const { type, job } = event;
        if (type === 'job') {
          if (timers === 'of its own') ctx.after(10, { type: 'late', job }, { id: `${job}` });
          else ctx.send(clock, { type: 'set', job });
          ctx.send(at<Do>(stage, 'X'), { type: 'do', job });
          return job;
        }
        if (type === 'finished') {
          if (job !== current) return current;
          if (timers === 'of its own') ctx.cancel(`${job}`);
          else ctx.send(clock, { type: 'clear', job });
        } else {
          if (current === 0 || (looksWhose && job !== current)) return current;
          assert(job === current, `the deadline of job ${job} hits job ${current}`);
        }
        ctx.send(desk, { type: 'finished', job: current });
        return 0;
      },
    });
    stage.spawn(supervisor({ children: [child({ id: 'W', logic: worker })] }), { id: 'Sup' });
    stage.spawn(
      fromHandler({
        receive(_state: undefined, { type, job }: Set | Late, ctx) {
          if (type === 'set') ctx.after(10, { type: 'late', job }, { id: `${job}` });
          else if (type === 'clear') ctx.cancel(`${job}`);
          else ctx.send(w, { type: 'late', job });
        },
      }),
      { id: 'Clock' },
    );
    stage.spawn(
      agent<Do>(({ job }, ctx) => ctx.send(w, { type: 'finished', job })),
      { id: 'X' },
    );
    stage.spawn(
      agent<Finished | Tell<'begin' | 'next'>>((event, ctx) => {
        if (event.type === 'finished' && event.job === 2) done('both jobs');
        else ctx.send(w, { type: 'job', job: event.type === 'begin' ? 1 : 2 });
      }),
      { id: 'D' },
    );
    task('both jobs');
    stage.send(desk, { type: 'begin' });
  },
});

export const pair: Pair = {
  id: 'R06',
  title: 'the timer of an earlier life hits the next job',
  // What it asserts is an order, and the simulator calls a failed assertion by its own name.
  expected: ['ORDER', 'SAFETY'],
  e: 2,
  culprits: ['Sup/W'],
  buggy: staleTimer('R06 buggy', false),
  correct: staleTimer('R06 correct', true),
};
