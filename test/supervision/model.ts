/**
 * A model of OTP's rules for supervision trees, written from the reference alone: no messages, no
 * waiting, no code of ours. An operation changes the tree at once to what it must look like when
 * all is quiet again.
 */
import type { Restart, Strategy } from 'troupe';

export interface WorkerPlan {
  readonly id: string;
  readonly restart: Restart;
  readonly significant: boolean;
}

export interface TreePlan {
  readonly id: string;
  readonly restart: Restart;
  readonly significant: boolean;
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly autoShutdown: 'never' | 'any_significant' | 'all_significant';
  readonly children: readonly Plan[];
}

export type Plan = WorkerPlan | TreePlan;

/** How an agent ends by itself. */
export type Exit = 'normal' | 'shutdown' | 'crash' | 'killed';

export const PERIOD_MS = 1_000;

export class ModelChild {
  readonly plan: Plan;
  up = false;
  /** The number of the last life in the place that it has; 0 without a place. */
  incarnation = 0;
  /** What lives there, when it is a tree that is up. */
  tree: ModelTree | undefined;

  constructor(plan: Plan) {
    this.plan = plan;
  }
}

/** One life of a supervisor. */
export class ModelTree {
  readonly plan: TreePlan;
  readonly parent: { readonly tree: ModelTree; readonly child: ModelChild } | undefined;
  children: ModelChild[] = [];
  alive = true;
  restarts: number[] = [];

  constructor(plan: TreePlan, parent: ModelTree['parent']) {
    this.plan = plan;
    this.parent = parent;
  }

  get path(): string {
    return `${this.parent?.tree.path ?? ''}/${this.plan.id}`;
  }
}

export class Model {
  readonly root: ModelTree;
  nowMs = 0;
  /** How many of the next starts of a worker fail, by path. */
  readonly failures = new Map<string, number>();

  constructor(plan: TreePlan) {
    this.root = new ModelTree(plan, undefined);
    this.#startTree(this.root);
  }

  /** All supervisors that are alive, parents first. */
  trees(from = this.root): ModelTree[] {
    if (!from.alive) return [];
    return [
      from,
      ...from.children.flatMap(({ tree }) => (tree === undefined ? [] : this.trees(tree))),
    ];
  }

  // ── What happens to agents ──────────────────────────────────────────────────────────────────

  /** Children of one supervisor end by themselves, all before it hears of the first. */
  exits(
    tree: ModelTree,
    ends: readonly { readonly child: ModelChild; readonly exit: Exit }[],
  ): void {
    const heard = ends.map((end) => ({ ...end, incarnation: end.child.incarnation }));
    for (const { child, exit, incarnation } of heard) {
      // By now it may have been replaced together with a sibling: then its end is old news.
      if (
        tree.alive &&
        child.up &&
        child.incarnation === incarnation &&
        tree.children.includes(child)
      )
        this.#ended(tree, child, exit);
    }
  }

  #ended(tree: ModelTree, child: ModelChild, exit: Exit): void {
    const { restart, significant } = child.plan;
    const clean = exit === 'normal' || exit === 'shutdown';
    if (restart === 'permanent' || (restart === 'transient' && !clean)) {
      this.#down(child);
      this.#restart(tree, child);
      return;
    }
    this.#leave(tree, child);
    if (!significant) return;
    const { autoShutdown } = tree.plan;
    const others = tree.children.some((each) => each.plan.significant && each.up);
    if (autoShutdown === 'any_significant' || (autoShutdown === 'all_significant' && !others))
      this.#end(tree);
  }

  /** Restarts a child and whom its end concerns, again and again while somebody fails to start. */
  #restart(tree: ModelTree, first: ModelChild): void {
    let failed: ModelChild | undefined = first;
    while (failed !== undefined) {
      tree.restarts = tree.restarts.filter((time) => time >= this.nowMs - PERIOD_MS);
      tree.restarts.push(this.nowMs);
      if (tree.restarts.length > tree.plan.intensity) {
        this.#end(tree);
        return;
      }
      failed = this.#restartGroup(tree, failed);
    }
  }

  /** Gives the child that failed to start, if one did. */
  #restartGroup(tree: ModelTree, child: ModelChild): ModelChild | undefined {
    const { strategy } = tree.plan;
    const from = strategy === 'rest_for_one' ? tree.children.indexOf(child) : 0;
    const group = strategy === 'one_for_one' ? [child] : tree.children.slice(from);
    for (const each of group) {
      this.#down(each);
      if (each.plan.restart === 'temporary') this.#leave(tree, each);
    }
    const restarted = group.filter((each) => each.plan.restart !== 'temporary');
    return restarted.find((each) => !this.#start(tree, each));
  }

  /** A supervisor ends with `shutdown`, which is an own end to its parent. */
  #end(tree: ModelTree): void {
    this.#kill(tree);
    if (tree.parent !== undefined) this.#ended(tree.parent.tree, tree.parent.child, 'shutdown');
  }

  // ── Management calls ────────────────────────────────────────────────────────────────────────

  startChild(tree: ModelTree, plan: WorkerPlan): string {
    const known = tree.children.find((each) => each.plan.id === plan.id);
    if (known !== undefined) return known.up ? 'ALREADY_STARTED' : 'ALREADY_PRESENT';
    if (plan.significant && tree.plan.autoShutdown === 'never') return 'INVALID_OPTION';
    const child = new ModelChild(plan);
    tree.children.push(child);
    if (this.#start(tree, child)) return 'ok';
    tree.children = tree.children.filter((each) => each !== child);
    return 'START_FAILED';
  }

  stopChild(tree: ModelTree, child: ModelChild): string {
    this.#leave(tree, child);
    return 'ok';
  }

  restartChild(tree: ModelTree, child: ModelChild): string {
    if (child.up) return 'CHILD_RUNNING';
    if (this.#start(tree, child)) return 'ok';
    this.#leave(tree, child);
    return 'START_FAILED';
  }

  deleteChild(tree: ModelTree, child: ModelChild): string {
    if (child.up) return 'CHILD_RUNNING';
    tree.children = tree.children.filter((each) => each !== child);
    return 'ok';
  }

  // ── Starting and stopping ───────────────────────────────────────────────────────────────────

  #start(tree: ModelTree, child: ModelChild): boolean {
    child.incarnation += 1;
    if ('children' in child.plan) {
      const inner = new ModelTree(child.plan, { tree, child });
      child.up = this.#startTree(inner);
      child.tree = child.up ? inner : undefined;
    } else {
      const path = `${tree.path}/${child.plan.id}`;
      const failures = this.failures.get(path) ?? 0;
      this.failures.set(path, Math.max(0, failures - 1));
      child.up = failures === 0;
    }
    return child.up;
  }

  /** Starts the children in order; false when one fails, and then none is left. */
  #startTree(tree: ModelTree): boolean {
    for (const plan of tree.plan.children) {
      const child = new ModelChild(plan);
      tree.children.push(child);
      if (this.#start(tree, child)) continue;
      this.#kill(tree);
      return false;
    }
    return true;
  }

  #kill(tree: ModelTree): void {
    tree.alive = false;
    for (const child of tree.children) this.#down(child);
  }

  /** It is down, and keeps its place. */
  #down(child: ModelChild): void {
    child.up = false;
    if (child.tree !== undefined) this.#kill(child.tree);
    child.tree = undefined;
  }

  /** It stays down: its place is gone, and a temporary child is forgotten. */
  #leave(tree: ModelTree, child: ModelChild): void {
    this.#down(child);
    child.incarnation = 0;
    if (child.plan.restart === 'temporary')
      tree.children = tree.children.filter((each) => each !== child);
  }
}
