/**
 * The swarm: members that pass one task among themselves until one of them has the output.
 */
import { InvalidOption, type AgentName } from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import type { Failure } from '../failure.ts';
import { performer } from '../performer.ts';
import type { TaskRun } from '../run.ts';
import type { AnyPerformer, InputOf, OutputOf, Performer, PerformerLogic } from '../task.ts';
import { Conversation, HUMAN, type Team } from './conversation.ts';
import type { Frame, Handoff, HandoffResult, Handover, UserContext } from './handoff.ts';
import type { Cycle } from './loop.ts';
import { seat, type SeatOptions, type SeatRef } from './seat.ts';

/** A member, with what its seat checks before it accepts. */
export interface MemberOptions extends SeatOptions {
  readonly performer: AnyPerformer;
}
/** A member that has its seat already, such as on another node. */
export interface Seated {
  readonly seat: SeatRef | AgentName<SeatRef>;
}
/** The members of a swarm, by the name that handoffs call them. */
export type SwarmMembers = Readonly<Record<string, AnyPerformer | MemberOptions | Seated>>;

/** What a human is asked when no member can go on, or when one asks for a human. */
export interface EscalatedTask {
  /** In words: what was wanted, what is known, who had it and why it is here. */
  readonly summary: string;
  readonly handoff: Handoff;
  readonly failure?: Failure;
}

/** What a swarm can be told. */
export interface SwarmOptions<TMembers extends SwarmMembers, TEntry extends keyof TMembers> {
  readonly members: TMembers;
  /** Who gets the task first. */
  readonly entry: TEntry;
  /** Who gets it when nobody else can go on, or by `handoff('human', …)`. */
  readonly human?: Performer<EscalatedTask, unknown>;
  /** Handoffs of one task, those of swarms within it among them; default 16. Zero allows none. */
  readonly hopLimit?: number;
  /** Times that one member gets the same task; default 5. */
  readonly visitsMax?: number;
  /** Members that may pass it round among themselves, with a bound of their own. */
  readonly cycles?: readonly Cycle[];
  /** Milliseconds of each turn; default 20,000, and at most what the task has left. */
  readonly turnMs?: number;
  /** Milliseconds to accept a handoff; default 5,000. */
  readonly offerMs?: number;
  /** What the first member may do, by name; default not limited. */
  readonly grants?: readonly string[];
}

/** What came of it, with what all members have found out. */
export interface Resolved<TOutput = unknown> {
  readonly output: TOutput;
  /** The member that ended it. */
  readonly by: string;
  readonly results: readonly HandoffResult[];
  readonly decisions: readonly string[];
  readonly user: UserContext;
  readonly chain: readonly Frame[];
}

type PerformerOf<TMember> = TMember extends { readonly performer: infer P } ? P : TMember;
type EntryInput<TMember> = TMember extends Seated ? unknown : InputOf<PerformerOf<TMember>>;
type SwarmOutput<TMembers> = {
  [K in keyof TMembers]: TMembers[K] extends Seated
    ? unknown
    : Exclude<OutputOf<PerformerOf<TMembers[K]>>, Handover>;
}[keyof TMembers];

const KEYS: Record<keyof SwarmOptions<SwarmMembers, string>, true> = {
  members: true,
  entry: true,
  human: true,
  hopLimit: true,
  visitsMax: true,
  cycles: true,
  turnMs: true,
  offerMs: true,
  grants: true,
};

/**
 * Makes the logic of a performer whose members pass the task on by returning a {@link handoff}. A
 * member gets the task of the handoff as its input and the handoff as `task.context.handoff`; see
 * `handoffOf`. `task.context.user` of the swarm's task is the user context of the first handoff.
 *
 * A failure goes to the nearest member that waits for a result, then to the human; without one the
 * task fails: with `hopLimit`, `loopDetected` or as the member did, and in `partial` what was found
 * out. Throws `InvalidOption`.
 *
 * @example
 * ```ts
 * import { handoff, swarm } from 'troupe/actors';
 *
 * const support = swarm('support', {
 *   members: {
 *     triage: performer('triage', (task: Task<string>) => handoff('billing', { reason: 'an invoice' })),
 *     billing: performer('billing', (task: Task<string>) => `settled: ${task.input}`),
 *   },
 *   entry: 'triage',
 *   hopLimit: 6,
 * });
 * const outcome = await perform(system, support, { goal: 'help', input: 'my invoice is wrong' });
 * if (outcome.status === 'done') console.log(outcome.output.by, outcome.output.output);
 * ```
 */
export function swarm<const TMembers extends SwarmMembers, TEntry extends keyof TMembers & string>(
  name: string,
  options: SwarmOptions<TMembers, TEntry>,
): PerformerLogic<EntryInput<TMembers[TEntry]>, Resolved<SwarmOutput<TMembers>>> {
  checkSwarm(options as SwarmOptions<SwarmMembers, string>);
  const { members, human } = options;
  const team: Record<string, AnyPerformer> = human === undefined ? {} : { [HUMAN]: human };
  for (const [id, member] of Object.entries<SwarmMembers[string]>(members)) {
    if ('seat' in member) team[id] = member.seat;
    else if ('performer' in member) {
      const { performer: own, ...rest } = member;
      team[id] = seat(own as Performer<never, unknown>, rest);
    } else team[id] = seat(member as Performer<never, unknown>);
  }
  return performer<EntryInput<TMembers[TEntry]>, Resolved<SwarmOutput<TMembers>>, Team>(
    name,
    (task, run) =>
      new Conversation(name, options as never, task, run as TaskRun<Team>).toItsEnd() as never,
    { team },
  );
}

function checkSwarm(options: SwarmOptions<SwarmMembers, string>): void {
  checkOptions(options, Object.keys(KEYS), 'swarm');
  const {
    members,
    entry,
    cycles = [],
    hopLimit = 0,
    visitsMax = 1,
    turnMs = 1,
    offerMs = 1,
  } = options;
  const names = Object.keys(members);
  const refuse = (field: string, given: unknown, allowed: string): never => {
    throw new InvalidOption({ field: `swarm.${field}`, given, allowed });
  };
  if (!names.includes(entry)) refuse('entry', entry, `a member: ${names.join(', ')}`);
  if (names.includes(HUMAN)) refuse('members.human', 'a member', 'the option `human` instead');
  if (!Number.isInteger(hopLimit) || hopLimit < 0) refuse('hopLimit', hopLimit, 'an integer >= 0');
  if (!Number.isInteger(visitsMax) || visitsMax < 1)
    refuse('visitsMax', visitsMax, 'an integer >= 1');
  if (!(turnMs > 0 && turnMs < Infinity)) refuse('turnMs', turnMs, 'milliseconds > 0');
  if (!(offerMs > 0 && offerMs < Infinity)) refuse('offerMs', offerMs, 'milliseconds > 0');
  for (const { of, roundsMax } of cycles) {
    const stranger = of.find((each) => !names.includes(each));
    if (stranger !== undefined) refuse('cycles.of', stranger, `members: ${names.join(', ')}`);
    if (!Number.isInteger(roundsMax) || roundsMax < 1)
      refuse('cycles.roundsMax', roundsMax, 'an integer >= 1');
  }
}
