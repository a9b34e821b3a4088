/**
 * Teams as values: a plan is drawn by fast-check and built into nested performers, and a witness
 * notes what their work was granted and what it did, so that properties can look at the books.
 */
import fc from 'fast-check';
import { agentName, type Ref } from 'troupe';
import {
  TaskFailed,
  ensemble,
  fanIn,
  fanOut,
  join,
  limited,
  limiter,
  modelAgent,
  performer,
  performerTool,
  pipeline,
  rule,
  type Join,
  type LimiterEvent,
  type PerformerLogic,
  type Slot,
  type Task,
  type TaskRun,
} from 'troupe/actors';
import { z } from 'zod';

/** A team, or a member of one; all of them take a number and give one. */
export type Plan =
  | {
      readonly type: 'worker';
      readonly does: 'ends' | 'fails' | 'gives up' | 'hangs';
      readonly afterMs: number;
      readonly tokens: number;
    }
  | { readonly type: 'limited'; readonly afterMs: number; readonly weight: number }
  | { readonly type: 'model'; readonly tool: Plan }
  | { readonly type: 'line'; readonly stages: readonly StagePlan[] }
  | { readonly type: 'crowd'; readonly of: Plan; readonly items: number; readonly join: Join }
  | { readonly type: 'jury'; readonly of: readonly Plan[]; readonly join: Join }
  | { readonly type: 'announce'; readonly of: readonly Plan[] };

interface StagePlan {
  readonly of: Plan;
  readonly attemptsMax: number;
  readonly fallback: Plan | undefined;
  readonly goesOn: boolean;
}

const joins = fc.constantFrom(
  join.all(),
  join.quorum(2),
  join.first(),
  join.bestEffort(2),
) as fc.Arbitrary<Join>;

/** Teams of teams, three levels deep at most. */
export const { plan: plans } = fc.letrec<{ plan: Plan }>((tie) => ({
  plan: fc.oneof(
    { maxDepth: 2, depthSize: 'small', withCrossShrink: true },
    fc.record({
      type: fc.constant('worker'),
      does: fc.constantFrom('ends', 'fails', 'gives up', 'hangs'),
      afterMs: fc.nat(3),
      tokens: fc.nat(40),
    }),
    fc.record({
      type: fc.constant('line'),
      stages: fc.array(
        fc.record({
          of: tie('plan'),
          attemptsMax: fc.integer({ min: 1, max: 2 }),
          fallback: fc.option(tie('plan'), { nil: undefined, freq: 2 }),
          goesOn: fc.boolean(),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    }),
    fc.record({
      type: fc.constant('crowd'),
      of: tie('plan'),
      items: fc.nat(3),
      join: joins,
    }),
    fc.record({
      type: fc.constant('jury'),
      of: fc.array(tie('plan'), { minLength: 1, maxLength: 3 }),
      join: joins,
    }),
    fc.record({
      type: fc.constant('announce'),
      of: fc.array(tie('plan'), { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ type: fc.constant('model'), tool: tie('plan') }),
    fc.record({
      type: fc.constant('limited'),
      afterMs: fc.nat(3),
      weight: fc.integer({ min: 1, max: 2 }),
    }),
  ) as fc.Arbitrary<Plan>,
}));

/** Whether a plan has a member of this type, however deep. */
export function has(plan: Plan, type: Plan['type']): boolean {
  return plan.type === type || partsOf(plan).some((part) => has(part, type));
}

function partsOf(plan: Plan): readonly Plan[] {
  switch (plan.type) {
    case 'worker':
    case 'limited':
      return [];
    case 'model':
      return [plan.tool];
    case 'crowd':
      return [plan.of];
    case 'line':
      return plan.stages.flatMap(({ of, fallback }) => [of, ...(fallback ? [fallback] : [])]);
    case 'jury':
    case 'announce':
      return plan.of;
  }
}

/** The resource that `limited` members share; spawn it as `limits`. */
export const limits = limiter({ desk: { concurrency: 2, perSecond: 1_000 } });
const LIMITS = agentName<Ref<LimiterEvent>>('limits');

/** Builds the team of a plan. */
export function teamOf(plan: Plan, witness: Witness): PerformerLogic<number, number> {
  const collect = (slots: readonly Slot<number>[], run: TaskRun): number => {
    witness.collect(slots, run);
    return slots.length;
  };
  switch (plan.type) {
    case 'worker':
      return performer('worker', function* (task: Task<number>, run) {
        witness.begin(task, run);
        witness.spend(run, plan.tokens);
        yield* run.sleep(plan.does === 'hangs' ? Infinity : plan.afterMs);
        witness.note(run, plan.does);
        if (plan.does === 'fails') throw new Error('failed');
        if (plan.does === 'gives up')
          throw new TaskFailed({ kind: 'toolError', message: 'of no use', retry: RETRY });
        return task.input + 1;
      });
    case 'limited':
      return performer('limited', (task: Task<number>, run) => {
        witness.begin(task, run);
        const { afterMs, weight } = plan;
        const work = function* () {
          witness.hold(run, weight);
          try {
            yield* run.sleep(afterMs);
          } finally {
            witness.hold(run, -weight);
          }
          return task.input;
        };
        return limited(run, LIMITS, 'desk', work, { weight });
      });
    case 'model': {
      const helper = teamOf(plan.tool, witness);
      const clerk = modelAgent('clerk', {
        model: rule(({ prompt }) => (prompt.length < 3 ? TOOL_CALL : 'enough'), 'clerk'),
        instructions: 'You use the helper once.',
        maxOutputTokens: 10,
        tools: { help: performerTool(helper, { description: 'helps', input: z.number() }) },
      });
      return performer(
        'asks a model',
        function* (task: Task<number>, run) {
          witness.begin(task, run);
          const said = run.need(yield* run.perform(run.team.clerk, { input: task.input }));
          return said.length;
        },
        { team: { clerk } },
      );
    }
    case 'line': {
      const [first, ...others] = plan.stages.map(({ of, attemptsMax, fallback, goesOn }) => ({
        performer: teamOf(of, witness),
        retry: { attemptsMax },
        ...(fallback && { fallback: teamOf(fallback, witness) }),
        ...(goesOn && { onFail: { goOnWith: (input: number) => input } }),
      }));
      return others
        .reduce(
          (line, stage, at) => line.stage(`s${at}`, stage),
          pipeline('line').stage('s', first!),
        )
        .build();
    }
    case 'crowd': {
      const crowd = fanIn('crowd', { worker: teamOf(plan.of, witness), join: plan.join, collect });
      return performer(
        'has a crowd',
        function* (task: Task<number>, run) {
          witness.begin(task, run);
          const input = Array.from({ length: plan.items }, (_, at) => task.input + at);
          return run.need(yield* run.perform(run.team.crowd, { input }));
        },
        { team: { crowd } },
      );
    }
    case 'jury': {
      const members = plan.of.map((each, at) => [`m${at}`, teamOf(each, witness)] as const);
      return ensemble('jury', { members: Object.fromEntries(members), join: plan.join, collect });
    }
    case 'announce': {
      const to = plan.of.map((each, at) => [`b${at}`, { performer: teamOf(each, witness) }]);
      const announce = fanOut<number>('announce', Object.fromEntries(to));
      return performer(
        'announces',
        function* (task: Task<number>, run) {
          witness.begin(task, run);
          return run.need(yield* run.perform(run.team.announce, { input: task.input })).length;
        },
        { team: { announce } },
      );
    }
  }
}

const TOOL_CALL = { toolCalls: [{ name: 'help', input: 1 }] };
const RETRY = { retryable: true, sameInputWillFail: false };

/** What is lost where times are added and taken away. */
const ROUNDING_MS = 1e-6;

/** What a run was given when it began, and what it did. */
export interface Account {
  readonly agent: string;
  /** The run that gave the task away, as far as the witness knows one. */
  readonly by: Account | undefined;
  readonly taskId: string;
  readonly untilMs: number;
  readonly tokens: number;
  readonly calls: number;
  readonly hops: number;
  spent: number;
}

/** Sees all work of a team, crashed or not. */
export class Witness {
  readonly #accounts = new Map<string, Account>();
  /** Collections of each fan-in's run, as the names of the slots. */
  readonly collected = new Map<string, string[][]>();
  /** Everything that work told, in order. */
  readonly story: string[] = [];
  held = 0;
  heldMost = 0;
  /** When anything was done last. */
  latestMs = 0;

  get accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  begin(task: Task, run: TaskRun): void {
    const { tokens = Infinity, calls = Infinity, hops = Infinity } = run.left;
    const by = run.chain.map((address) => this.#accounts.get(address)).findLast(Boolean);
    const agent = run.ctx.self.address;
    const untilMs = run.now() + run.remainingMs;
    const given = { tokens, calls, hops, untilMs };
    this.#accounts.set(agent, { agent, by, taskId: task.id, ...given, spent: 0 });
    this.note(run, `begins ${task.id}`);
  }

  /** Spends of the run's budget, and counts what could be spent. */
  spend(run: TaskRun, tokens: number): void {
    run.spend({ tokens });
    this.#accounts.get(run.ctx.self.address)!.spent += tokens;
  }

  hold(run: TaskRun, weight: number): void {
    this.held += weight;
    this.heldMost = Math.max(this.heldMost, this.held);
    this.note(run, `holds ${weight}`);
  }

  collect(slots: readonly Slot<number>[], run: TaskRun): void {
    const { address } = run.ctx.self;
    const names = slots.map(({ name }) => name);
    this.collected.set(address, [...(this.collected.get(address) ?? []), names]);
    this.note(run, `collects ${slots.map(({ name, status }) => `${name} ${status}`).join(', ')}`);
  }

  note(run: TaskRun, what: string): void {
    this.latestMs = run.now();
    this.story.push(`${run.now()} ${run.ctx.self.path} ${what}`);
  }

  /** What a run and all that it gave away did together. */
  under(top: Account): { readonly tokens: number; readonly calls: number } {
    let tokens = 0;
    let calls = -1;
    for (const each of this.#accounts.values()) {
      let at: Account | undefined = each;
      while (at !== undefined && at !== top) at = at.by;
      if (at === undefined) continue;
      tokens += each.spent;
      calls += 1;
    }
    return { tokens, calls };
  }

  /** Who did more than it was granted, or may work longer than who wants its work. */
  get overdrawn(): string[] {
    return this.accounts.flatMap((each) => {
      const { tokens, calls } = this.under(each);
      const { agent, by, hops, untilMs } = each;
      return [
        ...(tokens > each.tokens ? [`${each.agent} spent ${tokens} of ${each.tokens}`] : []),
        ...(calls > each.calls ? [`${each.agent} made ${calls} calls of ${each.calls}`] : []),
        ...(hops < 0 || (by && hops !== Infinity && hops >= by.hops)
          ? [`${agent} may hand on ${hops} times, its parent ${by?.hops}`]
          : []),
        ...(by && untilMs > by.untilMs + ROUNDING_MS
          ? [`${agent} may work until ${untilMs}, its parent until ${by.untilMs}`]
          : []),
      ];
    });
  }
}
