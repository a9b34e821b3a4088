/**
 * The crew of an overseer: its desk and its workers, each under a supervisor of its own. A worker
 * that crashes more often than its supervisor allows is given up, and nobody else notices.
 */
import { agentName, fromHandler, type Down, type Ref, type ReplyTo } from '../../runtime/index.ts';
import { child, supervisor } from '../../supervision/index.ts';
import { MemoryJournalStore, type JournalStore } from '../journal-store.ts';
import { isLogic } from '../run.ts';
import type { AnyPerformer } from '../task.ts';
import { desk, type DeskPlan, type DeskRef } from './desk.ts';

/** What a crew is made of. */
export interface CrewPlan extends DeskPlan {
  readonly members: Readonly<Record<string, AnyPerformer>>;
  /** Restarts of each worker within `periodMs`; one more, and it is given up. */
  readonly intensity: number;
  readonly periodMs: number;
  /** Default: one in memory, which lives as long as the crew. */
  readonly store?: JournalStore | undefined;
  /** Default: the path of the crew. */
  readonly key?: string | undefined;
}

/** Asks for the crew: refs and not names, since a name belongs to one life and a ref to the place. */
export interface WhoIsThere {
  readonly type: 'who';
  readonly replyTo: ReplyTo<Crew>;
}
export interface Crew {
  readonly type: 'crew';
  readonly desk: DeskRef;
  readonly workers: Readonly<Record<string, AnyPerformer>>;
}
export type CrewRef = Ref<WhoIsThere>;

/** Makes the logic of a crew. */
export function crew(plan: CrewPlan) {
  const { members, intensity, periodMs, store, key } = plan;
  return fromHandler({
    initial: (): Omit<Crew, 'type'> | undefined => undefined,
    *start(_, ctx) {
      const logic = desk(plan, store ?? new MemoryJournalStore(), key ?? ctx.self.path);
      const DeskName = agentName<DeskRef>(`${ctx.self.path}/desk`);
      const own = child({ id: 'agent', logic, name: DeskName });
      yield* ctx.started(ctx.spawn(supervisor({ children: [own] }), { id: 'desk', link: true }));
      const workers: Record<string, AnyPerformer> = { ...members };
      for (const [id, member] of Object.entries(members)) {
        if (!isLogic(member)) continue;
        const name = agentName(`${ctx.self.path}/${id}`);
        const worker = child({ id: 'agent', logic: member, name });
        const keeper = supervisor({ intensity, periodMs, children: [worker] });
        yield* ctx.started(ctx.spawn(keeper, { id, monitor: true }));
        workers[id] = ctx.whereis(name)!;
      }
      return { desk: ctx.whereis(DeskName)!, workers };
    },
    receive(present, event: WhoIsThere | Down, ctx) {
      if (event.type === 'who') ctx.reply(event, { type: 'crew', ...present! });
      else {
        const fields = { worker: event.ref.path, reason: event.reason };
        ctx.report({ level: 'error', label: 'overseer/worker_given_up', fields });
      }
    },
  });
}
