import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  child,
  deleteChild,
  restartChild,
  startChild,
  stopChild,
  supervisor,
  type ChildSpec,
  type Ref,
  type Restart,
  type Strategy,
  type SupervisorEvent,
  type SupervisorLogic,
  type TroupeError,
} from 'troupe';
import { ENDS, Stage } from './cast.ts';
import {
  Model,
  PERIOD_MS,
  type Exit,
  type ModelTree,
  type Plan,
  type TreePlan,
  type WorkerPlan,
} from './model.ts';

// ── Random trees ────────────────────────────────────────────────────────────────────────────────

const restart = fc.constantFrom<Restart>('permanent', 'transient', 'temporary');
const flags = {
  strategy: fc.constantFrom<Strategy>('one_for_one', 'one_for_all', 'rest_for_one'),
  intensity: fc.integer({ min: 0, max: 4 }),
  autoShutdown: fc.constantFrom('never', 'any_significant', 'all_significant'),
} as const;
const restarts = fc.record({ restart, significant: fc.boolean() });

const innerTree = fc.record({
  ...flags,
  kind: fc.constant('tree'),
  children: fc.array(restarts, { maxLength: 3 }),
  restarts,
});
const worker = fc.record({ kind: fc.constant('worker'), restarts });
const tree = fc
  .record({
    ...flags,
    children: fc.array(fc.oneof({ weight: 3, arbitrary: worker }, innerTree), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ children, ...own }): TreePlan => {
    const ids = ['a', 'b', 'c', 'd'];
    const root = { id: 'sup', restart: 'permanent', significant: false, ...own } as const;
    return {
      ...root,
      children: children.map((each, index): Plan => {
        const id = ids[index] as string;
        if (!('children' in each)) return { id, ...allowed(each.restarts, root) };
        const { children: inner, restarts: outer, strategy, intensity, autoShutdown } = each;
        const plan = { id, ...allowed(outer, root), strategy, intensity, autoShutdown };
        return {
          ...plan,
          children: inner.map((one, at) => ({ id: `${id}${at}`, ...allowed(one, plan) })),
        };
      }),
    };
  });

/** A spec is significant only where it may be. */
function allowed(
  given: { readonly restart: Restart; readonly significant: boolean },
  { autoShutdown }: { readonly autoShutdown: string },
): { readonly restart: Restart; readonly significant: boolean } {
  const may = given.restart !== 'permanent' && autoShutdown !== 'never';
  return { restart: given.restart, significant: given.significant && may };
}

// ── Random histories ────────────────────────────────────────────────────────────────────────────

const exit = fc.constantFrom<Exit>('normal', 'shutdown', 'crash', 'killed');
/** Whom an operation is about is a number: the children that there are then are counted off. */
const whom = fc.nat(20);
const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant('exit'), whom, exit }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('exit together'),
      whom,
      exits: fc.array(exit, { minLength: 2, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('fail'), whom, times: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('kill supervisor'), whom }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('stop'), whom }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('restart'), whom }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('delete'), whom }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('start'),
      whom,
      id: fc.constantFrom('a', 'x', 'y'),
      restart,
      significant: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('wait'),
      ms: fc.constantFrom(1, PERIOD_MS / 2, PERIOD_MS, PERIOD_MS + 1),
    }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

// ── The tree itself beside the model ────────────────────────────────────────────────────────────

class Run {
  readonly stage = new Stage();
  readonly model: Model;
  readonly history: string[] = [];
  readonly #failures = new Map<string, number>();

  constructor(plan: TreePlan) {
    this.model = new Model(plan);
    this.history.push(`start ${describePlan(plan)}`);
  }

  async start(): Promise<void> {
    await this.stage.start(this.#logicOf(this.model.root.plan, '/sup'));
    await this.compare();
  }

  async apply(operation: Operation): Promise<void> {
    const { model, stage } = this;
    if (operation.op === 'wait') {
      this.#note(`wait ${operation.ms} ms`);
      model.nowMs += operation.ms;
      await stage.system.advance(operation.ms);
      return;
    }
    const children = model
      .trees()
      .flatMap((parent) => parent.children.map((each) => ({ parent, each })));
    const { parent, each } = children[operation.whom % children.length] ?? {};
    const path = parent && `${parent.path}/${each?.plan.id}`;
    switch (operation.op) {
      case 'start': {
        const trees = model.trees();
        const at = trees[operation.whom % trees.length] as ModelTree;
        const { id, restart: type, significant } = operation;
        const plan = { id, restart: type, significant: significant && type !== 'permanent' };
        this.#note(`startChild ${at.path} ${describePlan(plan)}`);
        const { path: place } = at;
        const expected = model.startChild(at, plan);
        await this.#call(startChild(this.#ref(place), this.#spec(plan, place)), expected);
        return;
      }
      case 'exit':
        if (parent === undefined || each?.up !== true || 'children' in each.plan) return;
        this.#note(`${path} ends: ${operation.exit}`);
        model.exits(parent, [{ child: each, exit: operation.exit }]);
        await this.#exits([{ path: path as string, exit: operation.exit }]);
        return;
      case 'exit together': {
        if (parent === undefined) return;
        const workers = parent.children.filter(({ up, plan }) => up && !('children' in plan));
        const ends = operation.exits
          .slice(0, workers.length)
          .map((one, index) => ({ child: workers[index] as (typeof workers)[0], exit: one }));
        const told = ends.map(({ child: { plan }, exit: one }) => ({
          path: `${parent.path}/${plan.id}`,
          exit: one,
        }));
        if (told.length === 0) return;
        this.#note(`together: ${told.map((one) => `${one.path} ${one.exit}`).join(', ')}`);
        model.exits(parent, ends);
        await this.#exits(told);
        return;
      }
      case 'kill supervisor':
        if (parent === undefined || each?.tree === undefined) return;
        this.#note(`kill ${path}`);
        model.exits(parent, [{ child: each, exit: 'killed' }]);
        await this.#exits([{ path: path as string, exit: 'killed' }]);
        return;
      case 'fail':
        if (each === undefined || 'children' in each.plan) return;
        this.#note(`${path} fails to start, ${operation.times} times`);
        model.failures.set(path as string, operation.times);
        this.#failures.set(path as string, operation.times);
        return;
      case 'stop':
      case 'restart':
      case 'delete': {
        if (parent === undefined || each === undefined) return;
        const call = { stop: stopChild, restart: restartChild, delete: deleteChild }[operation.op];
        this.#note(`${operation.op}Child ${path}`);
        const { path: place } = parent;
        const { id } = each.plan;
        const expected = model[`${operation.op}Child`](parent, each);
        await this.#call((call as typeof restartChild)(this.#ref(place), id), expected);
        return;
      }
      default:
    }
  }

  /** Who is there, by the supervisors' own account and by the system's. */
  async compare(): Promise<void> {
    const expected: Record<string, string[]> = {};
    const seen: Record<string, string[]> = {};
    for (const { path, children } of this.model.trees()) {
      expected[path] = children.map(
        ({ plan, up, incarnation }) => `${plan.id} ${up ? incarnation : 'down'}`,
      );
      if (this.stage.life(path) === undefined) continue;
      seen[path] = (await this.stage.which(this.#ref(path))).reverse().map((line) => {
        const [id, is] = line.split(' ');
        const life = this.stage.life(`${path}/${id}`);
        if (is === 'undefined' && life === undefined) return `${id} down`;
        return is === 'running' ? `${id} ${life}` : line;
      });
      // Nobody lives there of whom the supervisor does not know.
      expect(this.#living(path)).toEqual(
        children
          .filter(({ up }) => up)
          .map(({ plan }) => plan.id)
          .sort(),
      );
    }
    expect(seen).toEqual(expected);
    expect(this.stage.life('/sup') !== undefined).toBe(this.model.root.alive);
    if (!this.model.root.alive) expect(this.stage.reason('/sup')?.type).toBe('shutdown');
  }

  /** The ids of all agents right below a path. */
  #living(path: string): string[] {
    const { children = [] } = this.stage.at(path) ?? {};
    const running = children.filter(({ status }) => status === 'running');
    return running.map((agent) => agent.path.slice(path.length + 1)).sort();
  }

  async stop(): Promise<void> {
    await this.stage.system.stop();
    const { agents, timers, openRequests } = this.stage.system.stats();
    expect({ agents, timers, openRequests }).toEqual({ agents: 0, timers: 0, openRequests: 0 });
  }

  async #exits(ends: readonly { readonly path: string; readonly exit: Exit }[]): Promise<void> {
    for (const { path, exit: how } of ends) {
      if (how === 'killed') void this.stage.ref(path).kill();
      else this.stage.ref(path).send({ type: 'end', reason: ENDS[how] });
    }
    await this.stage.now();
  }

  async #call(call: Promise<unknown>, expected: string): Promise<void> {
    const answer = await this.stage.run(
      call.then(
        () => 'ok',
        (error: TroupeError) => error.code,
      ),
    );
    expect(answer).toBe(expected);
    await this.stage.now();
  }

  #ref(path: string): Ref<SupervisorEvent> {
    return this.stage.ref(path) as never;
  }

  #note(line: string): void {
    this.history.push(line);
  }

  #logicOf(plan: TreePlan, path: string): SupervisorLogic {
    const { strategy, intensity, autoShutdown } = plan;
    const children = plan.children.map((each) => this.#spec(each, path));
    return supervisor({ strategy, intensity, autoShutdown, periodMs: PERIOD_MS, children });
  }

  #spec(plan: Plan, parentPath: string): ChildSpec {
    const { id, restart: type, significant } = plan;
    const path = `${parentPath}/${id}`;
    const options = { id, restart: type, significant };
    if ('children' in plan)
      return child({ ...options, logic: this.#logicOf(plan, path) }) as never as ChildSpec;
    return this.stage.spec(id, {
      ...options,
      start: () => {
        const failures = this.#failures.get(path) ?? 0;
        this.#failures.set(path, Math.max(0, failures - 1));
        if (failures > 0) throw new Error('told to fail');
      },
    });
  }
}

function describePlan(plan: Plan | WorkerPlan): string {
  const { id, restart: type, significant } = plan;
  const own = `${id}: ${type}${significant ? ' significant' : ''}`;
  if (!('children' in plan)) return own;
  const { strategy, intensity, autoShutdown, children } = plan;
  const inner = children.map(describePlan).join(', ');
  return `${own} ${strategy} ${intensity} ${autoShutdown} (${inner})`;
}

/** `TROUPE_RUNS` makes it many more. */
const RUNS = Number(process.env['TROUPE_RUNS'] ?? 1) * 300;

describe('random trees under random histories', () => {
  test.prop([tree, fc.array(operation, { maxLength: 25 })], { numRuns: RUNS })(
    'look as the rules of OTP say, after every operation',
    async (plan, operations) => {
      const run = new Run(plan);
      try {
        await run.start();
        for (const each of operations) {
          if (!run.model.root.alive) break;
          await run.apply(each);
          await run.compare();
        }
        await run.stop();
      } catch (error) {
        const { message } = error as Error;
        throw new Error(`${run.history.join('\n')}\n${message}`, { cause: error });
      }
    },
    RUNS * 100,
  );
});
