// What one learns: a dynamic supervisor starts with no children and gets them on request. Here each
// child is an ephemeral worker: a promise that does one job, is not started again, and ends with the
// job's result. `maxChildren` bounds how many there are at a time.

import { ActorEnded, createSystem } from 'troupe';
import { MaxChildren, child, dynamicSupervisor, startChild } from 'troupe/supervision';
import { fromPromise } from 'xstate';

interface Range {
  readonly from: number;
  readonly to: number;
}

const countPrimes = fromPromise(async ({ input: { from, to } }: { input: Range }) => {
  if (from > to) throw new RangeError(`there is nothing from ${from} to ${to}`);
  let count = 0;
  for (let n = Math.max(2, from); n <= to; n += 1) {
    let divisor = 2;
    while (n % divisor !== 0) divisor += 1;
    if (divisor === n) count += 1;
  }
  return count;
});

const system = createSystem({ log: false });
const pool = await system.start(dynamicSupervisor({ maxChildren: 2 }), { id: 'pool' });

const start = (job: Range) =>
  startChild(
    pool,
    child({ id: `from-${job.from}`, logic: countPrimes, input: job, restart: 'temporary' }),
  );

// As many callers as there are places take the jobs from one list, each the next one when its worker
// has ended. One of the jobs fails: its worker crashes, and nobody else notices.
const jobs: Range[] = [0, 1_000, 9_000, 2_000, 4_000].map((from) => ({ from, to: 5_000 }));
const answers = new Map<Range, string>();
const remaining = jobs.values();
const work = async (): Promise<void> => {
  for (const job of remaining) {
    const worker = await start(job);
    try {
      answers.set(job, `${await worker.result()} primes`);
    } catch (error) {
      if (!(error instanceof ActorEnded)) throw error;
      answers.set(job, String(error.cause));
    }
  }
};
await Promise.all([work(), work()]);
for (const job of jobs) console.log(`${job.from} to ${job.to}: ${answers.get(job)}`);

// One more than there are places is refused, not queued: how to wait is the caller's choice.
const three = await Promise.allSettled(jobs.slice(0, 3).map(start));
for (const outcome of three) {
  const refused = outcome.status === 'rejected' && outcome.reason instanceof MaxChildren;
  console.log(refused ? `refused: ${outcome.reason.message}` : 'started');
}
await system.stop();

// Prints:
// 0 to 5000: 669 primes
// 1000 to 5000: 501 primes
// 9000 to 5000: RangeError: there is nothing from 9000 to 5000
// 2000 to 5000: 366 primes
// 4000 to 5000: 119 primes
// started
// started
// refused: /pool has its 2 children
