/**
 * The loads: how many tasks each worker of a team has been given, and who is to get the next one. One
 * agent for a whole team, since each request is routed by a run of its own.
 */
import {
  fromHandler,
  type AgentName,
  type AnyRef,
  type Down,
  type Ref,
  type ReplyTo,
} from '../runtime/index.ts';

/** Asks who of several workers gets a task: the least loaded, and of equal ones the first. */
export interface Assign {
  readonly type: 'assign';
  readonly among: readonly string[];
  /** For whom; with its end its assignments end, too. */
  readonly by: AnyRef;
  readonly replyTo: ReplyTo<Assigned>;
}
/** The answer, with what each of them had before. */
export interface Assigned {
  readonly type: 'assigned';
  readonly chosen: number;
  readonly loads: readonly number[];
}
/** Says that nothing is under way any more of what was assigned. */
export interface Release {
  readonly type: 'release';
  readonly by: AnyRef;
}
export type LoadsRef = AgentName<Ref<Assign | Release>>;

/** What was assigned, by the address of for whom. */
type Given = ReadonlyMap<string, readonly string[]>;

/** Makes the logic of the loads of a team. */
export function loads() {
  return fromHandler({
    initial: (): Given => new Map(),
    receive(given, event: Assign | Release | Down, ctx) {
      if (event.type !== 'assign') {
        const others = new Map(given);
        others.delete(event.type === 'release' ? event.by.address : event.ref.address);
        return others;
      }
      const { among, by } = event;
      const all = [...given.values()].flat();
      const before = among.map((key) => all.filter((each) => each === key).length);
      const chosen = before.indexOf(Math.min(...before));
      if (!given.has(by.address)) ctx.monitor(by);
      ctx.reply(event, { type: 'assigned', chosen, loads: before });
      return new Map(given).set(by.address, [...(given.get(by.address) ?? []), among[chosen]!]);
    },
  });
}
