/**
 * Linearizability: whether a history of requests and answers could have come from one place that
 * handles one request at a time, each between its asking and its answer (Herlihy and Wing).
 *
 * The search is Wing and Gong's, with what has been tried remembered: it takes a request that no
 * answered one precedes, lets the model handle it, and goes on if the answer is the one that was seen.
 * A request without an answer may have been handled or not.
 */
import { digest } from './digest.ts';
import { matches } from './scenario.ts';

/** One place that handles one request at a time: what is to be imitated. `apply` must be pure. */
export interface SequentialModel<TState = unknown> {
  readonly initial: TState;
  /** What a request does, and what it is answered with. */
  apply(
    state: TState,
    request: { readonly type: string },
  ): { readonly state: TState; readonly reply: unknown };
}

/** A request that was made, in the order of the steps of a run. */
export interface Operation {
  readonly by: string;
  readonly request: { readonly type: string };
  readonly askedAt: number;
  /** Infinity while it has no answer. */
  answeredAt: number;
  reply: unknown;
}

/** The requests to some agents in one run, and the answers that have come. */
export class History<TKey extends object> {
  readonly operations: Operation[] = [];
  readonly #of: readonly string[];
  readonly #model: SequentialModel;
  readonly #open = new Map<TKey, Operation>();

  constructor(of: readonly string[], model: SequentialModel) {
    this.#of = of;
    this.#model = model;
  }

  /** A request goes to an agent; one that is handed on has been asked before. */
  asked(
    key: TKey,
    by: string,
    agent: string,
    request: { readonly type: string },
    at: number,
  ): void {
    if (this.#open.has(key) || !matches(this.#of, agent)) return;
    const operation = { by, request, askedAt: at, answeredAt: Infinity, reply: undefined };
    this.operations.push(operation);
    this.#open.set(key, operation);
  }

  answered(key: TKey, reply: unknown, at: number): void {
    const operation = this.#open.get(key);
    if (operation === undefined) return;
    operation.answeredAt = at;
    operation.reply = reply;
  }

  /** The first answer that no order explains. */
  get unexplained(): Operation | undefined {
    return unexplained(this.operations, this.#model);
  }

  /** What has been asked and answered, and in which order, as a part of the state. */
  get text(): string {
    const times = this.operations.flatMap(({ askedAt, answeredAt }) => [askedAt, answeredAt]);
    const ranks = [...new Set(times)].sort((a, b) => a - b);
    return this.operations
      .map(({ by, request, askedAt, answeredAt, reply }) => {
        const order = `${ranks.indexOf(askedAt)}-${ranks.indexOf(answeredAt)}`;
        return `${by} ${textOf(request)} ${textOf(reply)} ${order}`;
      })
      .join('\n');
  }
}

/** The first answer that no order explains; undefined when the history is linearizable. */
export function unexplained<TState>(
  operations: readonly Operation[],
  model: SequentialModel<TState>,
): Operation | undefined {
  // The shortest part that has no order shows best what is wrong.
  const answers = operations.filter(({ answeredAt }) => answeredAt < Infinity);
  for (const last of answers.sort((a, b) => a.answeredAt - b.answeredAt)) {
    const until = last.answeredAt;
    const seen = operations
      .filter(({ askedAt }) => askedAt <= until)
      .map((one) => (one.answeredAt <= until ? one : { ...one, answeredAt: Infinity }));
    if (!hasOrder(seen, model)) return last;
  }
  return undefined;
}

function hasOrder<TState>(
  operations: readonly Operation[],
  model: SequentialModel<TState>,
): boolean {
  const tried = new Set<string>();
  const search = (left: readonly number[], state: TState): boolean => {
    const open = left.map((index) => operations[index] as Operation);
    if (open.every(({ answeredAt }) => answeredAt === Infinity)) return true;
    const key = `${left.join()} ${textOf(state)}`;
    if (tried.has(key)) return false;
    tried.add(key);
    const firstAnswerAt = Math.min(...open.map(({ answeredAt }) => answeredAt));
    return left.some((index) => {
      const { request, askedAt, answeredAt, reply } = operations[index] as Operation;
      // Whoever gets an answer asks again in the same step: then this one comes after it.
      if (askedAt >= firstAnswerAt) return false;
      const next = model.apply(state, request);
      if (answeredAt < Infinity && textOf(next.reply) !== textOf(reply)) return false;
      return search(
        left.filter((other) => other !== index),
        next.state,
      );
    });
  };
  return search(
    operations.map((_, index) => index),
    model.initial,
  );
}

function textOf(value: unknown): string {
  return digest(value, () => 'request');
}
