// E7: 1,000 documents are extracted, searched for names, classified and summarised by ephemeral
// agents, eight at a time. The team is killed at document 500, and takes up the list where it was.

import {
  fanIn,
  MemoryJournalStore,
  once,
  performer,
  pipeline,
  pool,
  workLog,
  type PerformerLogic,
  type Task,
  type WorkLogRef,
} from 'troupe/actors';
import type { Scenario, Stage } from './stage.ts';

interface Document {
  readonly id: string;
  readonly text: string;
}
interface Notes extends Document {
  readonly names?: readonly string[];
  readonly kind?: 'letter' | 'invoice';
}

/** What the agents did, by stage and document. */
class Ledger {
  readonly steps: string[] = [];
  readonly finished = new Set<string>();
  /** Steps for documents that were finished already. */
  redone = 0;
  onFinished: () => void = () => undefined;

  note(step: string, id: string): void {
    this.steps.push(`${step} ${id}`);
    if (this.finished.has(id)) this.redone += 1;
  }
  finish(id: string): void {
    this.finished.add(id);
    this.onFinished();
  }
  count(step: string): number {
    return this.steps.filter((each) => each.startsWith(`${step} `)).length;
  }
}

/** A stage takes some time for each document, and notes that it did it. */
const stageOf = <TOutput>(
  name: string,
  ledger: Ledger,
  work: (notes: Notes) => TOutput,
): PerformerLogic<Notes, TOutput> =>
  performer(name, function* ({ input }: Task<Notes>, run) {
    yield* run.sleep(5);
    ledger.note(name, input.id);
    return work(input);
  });

/** What one document goes through, by an agent of its own. */
const reader = (ledger: Ledger) =>
  pipeline('reader')
    .stage('extract', {
      performer: stageOf('extract', ledger, (notes) => ({ ...notes, text: notes.text.trim() })),
    })
    .stage('entities', {
      performer: stageOf('entities', ledger, (notes) => {
        const names = notes.text.match(/\b[A-Z]\w+/g) ?? [];
        return { ...notes, names };
      }),
    })
    .stage('classify', {
      performer: stageOf('classify', ledger, (notes): Notes => {
        return { ...notes, kind: notes.text.includes('owes') ? 'invoice' : 'letter' };
      }),
    })
    .stage('summarise', {
      performer: stageOf('summarise', ledger, ({ id, kind, names }) => {
        return `${id}: ${kind} about ${names?.join(' and ')}`;
      }),
    })
    .build();

/** Reads a list, each document by an agent of its own, and none that the log knows. */
const archive = (log: WorkLogRef, ledger: Ledger, size: number) => {
  const worker = performer(
    'worker',
    function* ({ input }: Task<Notes>, run) {
      const summary = yield* once(run, log, input.id, function* () {
        return run.need(yield* run.perform(run.team.readers, { input }));
      });
      ledger.finish(input.id);
      return summary;
    },
    { team: { readers: pool('readers', reader(ledger), { size }) }, concurrency: size },
  );
  return fanIn('archive', { worker, concurrency: size, collect: (slots) => slots.length });
};

const documents = (count: number): readonly Notes[] =>
  Array.from({ length: count }, (_, at) => {
    const text = at % 3 === 0 ? ' Ada owes Grace 5 pounds ' : ' Grace sees Ada in Paris ';
    return { id: `doc ${at + 1}`, text };
  });

const COUNT = 1_000;
const CRASH_AT = 500;

async function play(stage: Stage): Promise<void> {
  const { system } = stage;
  const ledger = new Ledger();
  const store = new MemoryJournalStore();
  const size = stage.without('limits') ? 100 : 8;
  let most = 0;
  system.inspect(({ type }) => {
    if (type === 'spawned') most = Math.max(most, system.stats().agents);
  });
  for (const start of [1, 2]) {
    const isForgotten = stage.without('supervision') && start === 2;
    const log = system.spawn(workLog({ store: isForgotten ? new MemoryJournalStore() : store }));
    const ref = system.spawn(archive(log, ledger, size), { id: `archive-${start}` });
    const before = ledger.count('extract');
    ledger.onFinished = () => {
      if (start === 2 || ledger.finished.size !== CRASH_AT) return;
      stage.say(`${CRASH_AT} documents are finished; the whole team is killed`);
      void ref.kill();
      void log.kill();
    };
    const options = { deadlineMs: 600_000, budget: { calls: 20_000, hops: 10 } };
    const task = { goal: 'read them all', input: documents(COUNT) };
    await stage.perform(ref, task, options);
    const read = ledger.count('extract') - before;
    stage.say(`start ${start}: ${read} documents extracted, ${COUNT - read} not`);
    stage.say(`agents: ${most} at most`);
    most = 0;
  }
  const twice = ledger.steps.length - new Set(ledger.steps).size;
  stage.say(`finished: ${ledger.finished.size} of ${COUNT}`);
  stage.say(`steps repeated for finished documents: ${ledger.redone}`);
  stage.say(`steps repeated for those under way at the crash: ${twice - ledger.redone}`);
}

export default {
  id: 'E7',
  name: 'documents',
  shows:
    '1,000 documents by ephemeral agents, eight at a time; after a crash nothing finished is done again.',
  removable: ['supervision', 'limits'],
  play,
} satisfies Scenario;
