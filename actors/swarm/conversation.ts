/**
 * The conversation: the way of one task through a swarm. It knows at every moment who owns the task,
 * and passes it on in a transaction:
 *
 *     checked for loops -> OFFER -> ACCEPT -> COMMIT -> output | handover | failure
 *                            \ REJECT or silence: the sender keeps it, or the suggested one is asked
 *
 * A member that was lost in the midst of its work owns the task until its turn must be over; only
 * then does another get it. So there is never more than one owner, and when there is none left, the
 * task fails, with the chain and what was found out.
 */
import type { Budget, Ref, Wait } from '../../runtime/index.ts';
import { TaskFailed, messageOf, type Failure, type FailureParts } from '../failure.ts';
import { ACTORS_LIMITS, marginOf } from '../limits.ts';
import type { PartialResult, TaskRun } from '../run.ts';
import type { AnyPerformer, Outcome, PerformerRef, Task } from '../task.ts';
import { briefing } from './briefing.ts';
import {
  chainText,
  checkHandover,
  frameOf,
  handoffOf,
  isHandover,
  merged,
  type Handoff,
  type Handover,
  type HandoverParts,
  type Move,
  type UserContext,
  type Waiting,
} from './handoff.ts';
import { loopOf, type LoopBounds } from './loop.ts';
import type { Committed, OfferAnswer, SeatEvent } from './seat.ts';
import type { EscalatedTask, Resolved, SwarmMembers, SwarmOptions } from './swarm.ts';

/** The name of whoever is asked when no member can go on. */
export const HUMAN = 'human';

/** The seats, and the human. */
export type Team = Readonly<Record<string, AnyPerformer>>;
type Waits<T> = Generator<Wait<unknown>, T, unknown>;

/** How one turn ended. `lost`: nobody knows, and its time is over. */
type Passed =
  | Extract<OfferAnswer, { type: 'rejected' }>
  | { readonly type: 'ended'; readonly outcome: Outcome }
  | { readonly type: 'lost'; readonly failure: Failure };

/** The way of one task through a swarm. */
export class Conversation {
  readonly #name: string;
  readonly #options: SwarmOptions<SwarmMembers, string>;
  readonly #bounds: LoopBounds;
  readonly #task: Task;
  readonly #run: TaskRun<Team>;
  /** Hops that were used before, by a swarm that this one is a member of. */
  readonly #usedBefore: number;
  readonly #missing: string[] = [];
  readonly #failures: Failure[] = [];
  /** The handoff that the present owner has accepted. */
  #held: Handoff | undefined;
  #handoffs = 0;

  constructor(
    name: string,
    options: SwarmOptions<SwarmMembers, string>,
    task: Task,
    run: TaskRun<Team>,
  ) {
    const { visitsMax = ACTORS_LIMITS.visitsMax, cycles = [] } = options;
    this.#name = name;
    this.#options = options;
    this.#bounds = { visitsMax, cycles };
    this.#task = task;
    this.#run = run;
    const outer = handoffOf(task);
    // To be given to a swarm by a member of one is a hop like another, or a circle of swarms had no end.
    this.#usedBefore = outer === undefined ? 0 : outer.hops.used + 1;
  }

  *toItsEnd(): Waits<Resolved | PartialResult<Resolved>> {
    let handoff: Handoff | undefined = this.#opening();
    for (;;) {
      const loop = loopOf(handoff, this.#bounds);
      let next: Handoff | Resolved;
      if (loop !== undefined) {
        // It was offered to nobody, so it has used no hop.
        const held: Handoff = this.#held ?? handoff;
        next = yield* this.#unwind(
          { ...this.#before(handoff), hops: held.hops },
          this.#failed(loop),
        );
      } else if (handoff.move === 'escalate') next = yield* this.#escalate(handoff);
      else {
        const passed: Passed = yield* this.#pass(handoff);
        next =
          passed.type === 'rejected'
            ? yield* this.#rejected(handoff, passed)
            : yield* this.#ended(handoff, passed);
      }
      if ('v' in next) {
        handoff = next;
        continue;
      }
      const [missing, failures] = [this.#missing, this.#failures];
      return missing.length === 0 ? next : this.#run.partial(next, { missing, failures });
    }
  }

  /** One handoff, from the offer to the end of the receiver's turn. */
  *#pass(handoff: Handoff): Waits<Passed> {
    const run = this.#run;
    const { to, from, move, reason, hops, id } = handoff;
    const { offerMs = ACTORS_LIMITS.offerMs, turnMs = ACTORS_LIMITS.turnMs } = this.#options;
    const receiver = run.team[to] as Ref<SeatEvent>;
    run.decide(`hand off to ${to}`, reason, { from, to, move, hops });
    let answer: OfferAnswer;
    try {
      const timeoutMs = Math.min(offerMs, run.remainingMs);
      const offer = { type: 'offer', handoff, validMs: offerMs } as const;
      answer = yield* run.ctx.ask(receiver, offer, { timeoutMs });
    } catch (error) {
      answer = { type: 'rejected', reason: `it does not answer: ${messageOf(error)}` };
    }
    if (answer.type === 'rejected') return answer;

    // From the commit on the receiver is the owner.
    const startedMs = run.now();
    const timeoutMs = Math.max(0, Math.min(turnMs, run.remainingMs - marginOf(run.remainingMs)));
    const told: Outcome<Committed> = yield* run.perform(
      receiver as PerformerRef<Handoff, Committed>,
      { id, input: handoff },
      { timeoutMs, budget: handoff.budget },
    );
    if (told.status === 'done' && told.output.type === 'refused')
      return { type: 'rejected', reason: told.output.reason };
    this.#held = handoff;
    const outcome: Outcome =
      told.status === 'done' ? (told.output as { readonly outcome: Outcome }).outcome : told;
    run.record({ name: to, input: handoff.task, outcome, tookMs: run.now() - startedMs });
    if (told.status === 'done' && !isInDoubt(outcome)) return { type: 'ended', outcome };

    // It may still be at work where nobody reaches it: the commit may be taken until the acceptance
    // expires, and from then on it has its time. Until that is over it is the owner.
    const failure = outcome.status === 'failed' ? outcome.failure : this.#failed(lostParts(to));
    const waitMs = startedMs + offerMs + timeoutMs + marginOf(timeoutMs) - run.now();
    run.decide(`wait until ${to} cannot be at work`, failure.message, { waitMs });
    if (waitMs >= run.remainingMs) throw this.#over(handoff, failure);
    yield* run.sleep(waitMs);
    return { type: 'lost', failure };
  }

  /** The sender keeps the task, or the suggested member is asked. */
  *#rejected(
    handoff: Handoff,
    { reason, suggest }: Extract<OfferAnswer, { type: 'rejected' }>,
  ): Waits<Handoff | Resolved> {
    const { to, from, move } = handoff;
    const why = `handoff to ${to}: ${reason}`;
    this.#run.decide(`${to} does not take it`, reason, { suggest });
    const noted = merged(handoff, to, { failedApproaches: [why] });
    const isUp = move === 'return' || move === 'keep';
    if (!isUp && suggest !== undefined && suggest !== to && this.#isMember(suggest)) {
      const again = { ...noted, to: from, chain: handoff.chain.slice(0, -1) };
      return this.#next(again, suggest, move, `${to} suggests it: ${reason}`);
    }
    const sender = this.#before(noted);
    if (!isUp && this.#isMember(from)) return this.#next(sender, from, 'keep', why);
    const failure = this.#failed({ kind: 'unavailable', message: why, effect: 'none' });
    return yield* this.#unwind(sender, failure);
  }

  /** What becomes of the end of a turn. */
  *#ended(own: Handoff, passed: Exclude<Passed, { type: 'rejected' }>): Waits<Handoff | Resolved> {
    if (passed.type === 'lost') return yield* this.#unwind(own, passed.failure);
    const { outcome } = passed;
    if (outcome.status === 'failed') return yield* this.#unwind(own, outcome.failure);
    if (outcome.status === 'cancelled') {
      const parts = { kind: 'cancelled', message: outcome.reason } as const;
      return yield* this.#unwind(own, this.#failed(parts));
    }
    if (outcome.status === 'partial') {
      this.#missing.push(...outcome.missing.map((part) => `${own.to}/${part}`));
      this.#failures.push(...outcome.failures);
    }
    const { output } = outcome;
    if (isHandover(output)) return this.#handedOver(own, output);
    const waiting = own.returnTo.at(-1);
    if (waiting === undefined) return resolvedBy(own, output);
    return this.#back(own, waiting, `${own.to} has a result`, { result: output });
  }

  /** To the nearest member that waits for it, with its own task and what it may do. */
  #back(
    own: Handoff,
    { agent, task, grants }: Waiting,
    reason: string,
    found: Partial<HandoverParts>,
  ): Handoff {
    const returnTo = own.returnTo.slice(0, -1);
    const back = { ...merged(own, own.to, { ...found, task }), grants, returnTo };
    return this.#next(back, agent, 'return', reason);
  }

  #handedOver(own: Handoff, handover: Handover): Handoff {
    const { to, mode = 'transfer', reason } = handover;
    let problem: string | undefined;
    try {
      checkHandover(own, handover);
    } catch (error) {
      problem = messageOf(error);
    }
    const toHuman = to === HUMAN && this.#options.human !== undefined;
    if (!toHuman && !this.#isMember(to)) {
      const known = Object.keys(this.#options.members).join(', ');
      problem = `there is no member "${to}"; there are: ${known}`;
    }
    if (problem !== undefined) {
      const noted = merged(own, own.to, { failedApproaches: [problem] });
      return this.#next(noted, own.to, 'keep', problem);
    }
    const carried = merged(own, own.to, handover);
    if (toHuman) return this.#next(carried, HUMAN, 'escalate', reason);
    const frame = { agent: own.to, task: own.task, grants: own.grants };
    const returnTo = mode === 'delegate' ? [...own.returnTo, frame] : own.returnTo;
    return this.#next({ ...carried, returnTo }, to, mode, reason);
  }

  /** A failure goes up to the nearest member that waits, then to the human, then out. */
  *#unwind(own: Handoff, failure: Failure): Waits<Handoff | Resolved> {
    const waiting = own.returnTo.at(-1);
    this.#run.decide('unwind', failure.message, { kind: failure.kind, to: waiting?.agent });
    if (waiting !== undefined) {
      const why = `${own.to}: ${failure.kind}: ${failure.message}`;
      return this.#back(own, waiting, why, { failedApproaches: [why] });
    }
    if (this.#options.human === undefined) throw this.#over(own, failure);
    return yield* this.#escalate(
      this.#next(own, HUMAN, 'escalate', `${failure.kind}: ${failure.message}`),
      failure,
    );
  }

  *#escalate(handoff: Handoff, failure?: Failure): Waits<Resolved> {
    const run = this.#run;
    run.decide('ask a human', handoff.reason, { chain: chainText(handoff.chain) });
    const input: EscalatedTask = {
      summary: briefing(handoff),
      handoff,
      ...(failure === undefined ? {} : { failure }),
    };
    const human = run.team[HUMAN] as PerformerRef<EscalatedTask, unknown>;
    const startedMs = run.now();
    const outcome = yield* run.perform(human, { input });
    run.record({ name: HUMAN, input: handoff.task, outcome, tookMs: run.now() - startedMs });
    if (outcome.status === 'done') return resolvedBy(handoff, outcome.output);
    const causes = failure === undefined ? [] : [failure];
    if (outcome.status === 'failed') throw this.#over(handoff, outcome.failure, causes);
    throw this.#over(handoff, this.#failed({ kind: 'cancelled', message: 'no answer' }), causes);
  }

  #over(
    { to, results, decisions, chain }: Handoff,
    failure: Failure,
    causes: Failure[] = [],
  ): TaskFailed {
    const { kind, message, retry, effect } = failure;
    const partial = { results, decisions, chain: chain.map(({ agent }) => agent) };
    return new TaskFailed({
      kind,
      message,
      retry,
      effect,
      step: to,
      partial,
      causes: [failure, ...causes],
    });
  }

  #failed(parts: FailureParts): Failure {
    return this.#run.failureOf(new TaskFailed(parts));
  }

  #isMember(name: string): boolean {
    return Object.hasOwn(this.#options.members, name);
  }

  /** What the sender has of a handoff that was not accepted: its own task, and who waits for it. */
  #before(handoff: Handoff): Handoff {
    const { from, move, chain } = handoff;
    const { task, returnTo, grants } = this.#held ?? handoff;
    // Who would not take a result back does not wait for it any more.
    const waiting = move === 'return' ? handoff.returnTo : returnTo;
    return { ...handoff, to: from, task, grants, returnTo: waiting, chain: chain.slice(0, -1) };
  }

  #next(own: Handoff, to: string, move: Move, reason: string): Handoff {
    const run = this.#run;
    this.#handoffs += 1;
    const counts = move === 'transfer' || move === 'delegate' || move === 'keep';
    const used = own.hops.used + (counts ? 1 : 0);
    const remainingMs = run.remainingMs;
    const passed = {
      ...own,
      id: `${this.#task.id}.h${this.#handoffs}`,
      from: own.to,
      to,
      move,
      reason,
      hops: { ...own.hops, used },
      remainingMs,
      budget: this.#budgetAt(used),
    };
    return { ...passed, chain: [...own.chain, frameOf(passed, to, run.now())] };
  }

  /** The first handoff: from the swarm itself to its entry. */
  #opening(): Handoff {
    const { id, goal, input, context } = this.#task;
    const { hopLimit = ACTORS_LIMITS.hopLimit, entry, grants } = this.#options;
    const outer = handoffOf(this.#task);
    const used = this.#usedBefore;
    const left = this.#run.left['hops'] ?? Infinity;
    const limit = Math.min(outer?.hops.limit ?? Infinity, used + hopLimit, used + left);
    const first = {
      v: 1 as const,
      conversationId: id,
      id: `${id}.h0`,
      from: this.#name,
      to: entry,
      move: 'transfer' as const,
      reason: 'it comes in here',
      goal,
      task: input as unknown,
      state: { done: [], remaining: [] },
      results: [],
      user: outer?.user ?? (context?.['user'] as UserContext | undefined) ?? {},
      decisions: [],
      failedApproaches: [],
      openQuestions: [],
      assumptions: [],
      history: { messages: [], omitted: 0 },
      returnTo: [],
      hops: { used, limit },
      remainingMs: this.#run.remainingMs,
      budget: this.#budgetAt(used),
      labels: outer?.labels ?? [],
      grants: within(outer?.grants, grants),
    };
    const frame = frameOf(first, entry, this.#run.now());
    return { ...first, chain: [...(outer?.chain ?? []), frame] };
  }

  /** Half of what is left, so that something remains when the member is lost; each hop used is one less below. */
  #budgetAt(used: number): Budget {
    const { hops } = this.#run.left;
    const share = this.#run.share(2);
    return hops === undefined
      ? share
      : { ...share, hops: Math.max(0, hops - (used - this.#usedBefore)) };
  }
}

/** Nobody who could know has said how it ended. */
function isInDoubt(outcome: Outcome): boolean {
  if (outcome.status !== 'failed' || outcome.failure.effect !== 'unknown') return false;
  return outcome.failure.kind === 'unavailable' || outcome.failure.code === 'ASK_TIMEOUT';
}

function lostParts(to: string): FailureParts {
  return { kind: 'unavailable', message: `${to} is lost`, effect: 'unknown' };
}

function resolvedBy({ to, results, decisions, user, chain }: Handoff, output: unknown): Resolved {
  return { output, by: to, results, decisions, user, chain };
}

/** Grants only shrink: of two limits, what both allow. */
function within(
  outer: readonly string[] | undefined,
  own: readonly string[] | undefined,
): readonly string[] | undefined {
  if (outer === undefined || own === undefined) return outer ?? own;
  return own.filter((grant) => outer.includes(grant));
}
