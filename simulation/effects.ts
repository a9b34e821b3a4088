/**
 * Effects: what agents begin in the outside world, as events. An effect is pending until the
 * simulation chooses to complete it, with one of the outcomes that its model allows.
 */
import * as fc from 'fast-check';
import type { AnyStateMachine, InputFrom, OutputFrom, StateMachine } from 'xstate';
import {
  InvalidOption,
  TroupeError,
  type Effect,
  type EffectSink,
  type Effects,
} from '../runtime/index.ts';
import { outside } from './ambient.ts';

/** What a model is asked for. */
export interface EffectRequest<TInput = unknown> {
  readonly input: TInput;
  /** Who began the effect, by path. */
  readonly agent: string;
}

/** What can come of an effect. */
export type EffectOutcome<T = unknown> =
  | { readonly type: 'ok'; readonly value: T }
  | { readonly type: 'fail'; readonly error: unknown }
  | { readonly type: 'hang' }
  | { readonly type: 'emits'; readonly events: readonly unknown[] };

/** Outcomes of which none is avoided for ever. */
export interface FairOutcomes<T = unknown> {
  readonly fair: true;
  readonly outcomes: readonly EffectOutcome<T>[];
}

/** One outcome for each effect of an agent, in the order in which they begin; then any of others. */
export interface OutcomesInTurn<T = unknown> {
  readonly inTurn: readonly EffectOutcome<T>[];
  readonly beyond: readonly EffectOutcome<T>[];
}

type Outcomes<T = unknown> =
  | readonly EffectOutcome<T>[]
  | FairOutcomes<T>
  | OutcomesInTurn<T>
  | fc.Arbitrary<EffectOutcome<T>>;

/** As a method, so that a model may know the input of its effects better than a scenario does. */
interface Asked<T, TInput> {
  for(request: EffectRequest<TInput>): Outcomes<T>;
}

/** What can come of the effects of one name: the simulation tries each, and the first is the usual one. */
export type EffectModel<T = unknown, TInput = unknown> = Outcomes<T> | Asked<T, TInput>['for'];

/**
 * The models of a machine's promises, callbacks and observables, by their names in `setup({ actors })`
 * and with the types that they have there.
 *
 * @example
 * ```ts
 * import { fromPromise } from 'xstate';
 * import { fail, hang, ok, type EffectModels } from 'troupe/simulation';
 *
 * const desk = setup({
 *   actors: { callLLM: fromPromise<string, { prompt: string }>(() => Promise.resolve('')) },
 * }).createMachine({});
 * const effects = {
 *   callLLM: ({ input }) => [ok(`an answer to ${input.prompt}`), fail(new Error('429')), hang()],
 * } satisfies EffectModels<typeof desk>;
 * ```
 */
export type EffectModels<TMachine extends AnyStateMachine> =
  TMachine extends StateMachine<
    infer _Context,
    infer _Event,
    infer _Children,
    infer TActor,
    infer _Action,
    infer _Guard,
    infer _Delay,
    infer _Value,
    infer _Tag,
    infer _Input,
    infer _Output,
    infer _Emitted,
    infer _Meta,
    infer _Config
  >
    ? {
        readonly [A in TActor as A['src']]?: EffectModel<
          OutputFrom<A['logic']>,
          InputFrom<A['logic']>
        >;
      }
    : never;

/** The effect succeeds. */
export function ok<const T>(value: T): EffectOutcome<T> {
  return { type: 'ok', value };
}

/** The effect fails. */
export function fail(error: unknown): EffectOutcome<never> {
  return { type: 'fail', error };
}

/** Nothing ever comes of the effect. */
export function hang(): EffectOutcome<never> {
  return { type: 'hang' };
}

/** A callback sends these, an observable emits them: one after the other, with others between. */
export function emits(...events: readonly unknown[]): EffectOutcome<never> {
  return { type: 'emits', events };
}

/** Of effects that are begun again and again, none of these outcomes stays away for ever. */
export function fairly<T>(...outcomes: readonly EffectOutcome<T>[]): FairOutcomes<T> {
  return { fair: true, outcomes };
}

/** A simulated agent begins an effect for which the scenario has no model. */
export class UnmodelledEffect extends TroupeError {
  readonly code = 'UNMODELLED_EFFECT';

  constructor(fields: {
    readonly agent: string;
    readonly kind: string;
    /** Its name; undefined for an inline one. */
    readonly src: string | undefined;
    /** The machine and its state. */
    readonly place: string | undefined;
  }) {
    const { agent, kind, src, place } = fields;
    const what = src === undefined ? `an inline ${kind}` : `the ${kind} "${src}"`;
    const cure =
      src === undefined
        ? 'name it in setup({ actors }), and give the scenario a model of that name: effects'
        : `give the scenario a model of it: effects: { ${src}: [ok(…), fail(…)] }`;
    super(`${agent} begins ${what}${place === undefined ? '' : ` in ${place}`}; ${cure}`, fields);
  }
}

/** How many outcomes of an arbitrary are tried. */
const DRAWN = 8;

/** An effect that has been begun. */
export interface Pending {
  /** `agent/key`. */
  readonly label: string;
  readonly id: string;
  readonly order: number;
  readonly bornAt: number;
  readonly agent: string;
  readonly input: unknown;
  readonly sink: EffectSink;
  readonly outcomes: readonly EffectOutcome[];
  readonly fair: boolean;
  state: 'pending' | 'hung' | 'given up';
  /** What it still has to emit, once it has begun to. */
  left: readonly unknown[] | undefined;
}

/** What the effects of a run need of it. */
export interface Host {
  /** An id that no other event of the run has. */
  numbered(label: string): string;
  /** The number of the next message, which orders events by age. */
  nextOrder(): number;
  /** The number of the step that runs. */
  stepNumber(): number;
  /** The run makes no sense; whoever explores is told. */
  refuse(error: Error): void;
}

/** The effects of one run: the seam, and what is pending. */
export class EffectBoard implements Effects {
  readonly #models: Readonly<Record<string, EffectModel>>;
  readonly #host: Host;
  readonly #pending = new Set<Pending>();
  readonly #keepsGivenUp: boolean;
  /** The effects that were given up, and may come to an end all the same. */
  readonly givenUp = new Set<Pending>();
  /** By label: the turn of its next effect. What comes next depends on it, so it is a part of the state. */
  readonly #turns = new Map<string, number>();
  /** Some outcomes were drawn, so that not all have been tried. */
  drew = false;

  constructor(models: Readonly<Record<string, EffectModel>>, keepsGivenUp: boolean, host: Host) {
    this.#models = models;
    this.#keepsGivenUp = keepsGivenUp;
    this.#host = host;
  }

  begin({ key, kind, input, agent: path, place }: Effect, sink: EffectSink): () => void {
    const agent = path.slice(1);
    // An agent that is nothing but a promise goes by its own name.
    const src = key ?? (place === undefined ? agent : undefined);
    const label = `${agent}/${src}`;
    const model = src === undefined ? undefined : (this.#models[label] ?? this.#models[src]);
    if (model === undefined) {
      const error = new UnmodelledEffect({ agent, kind, src: key, place });
      this.#host.refuse(error);
      throw error;
    }
    const given = typeof model === 'function' ? model({ input, agent }) : model;
    const effect: Pending = {
      label,
      id: this.#host.numbered(`effect ${label}`),
      order: this.#host.nextOrder(),
      bornAt: this.#host.stepNumber(),
      agent,
      input,
      sink,
      ...this.#outcomesOf(given, String(src), label),
      state: 'pending',
      left: undefined,
    };
    this.#pending.add(effect);
    return () => {
      if (!this.#pending.delete(effect)) return;
      effect.state = 'given up';
      if (this.#keepsGivenUp) this.givenUp.add(effect);
    };
  }

  /** The effects that can go on. */
  *ready(): Iterable<Pending> {
    for (const effect of this.#pending) if (effect.state === 'pending') yield effect;
  }

  /** The ids of those that will never come to an end. */
  get hung(): string[] {
    return [...this.#pending].filter(({ state }) => state === 'hung').map(({ id }) => id);
  }

  /** Lets an effect go on: completes it with one of its outcomes, or emits what comes next. */
  complete(effect: Pending, choose: (outcomes: readonly unknown[]) => number): string {
    const { sink, outcomes } = effect;
    this.givenUp.delete(effect);
    if (effect.left !== undefined) return this.#emit(effect, effect.left);
    const outcome = outcomes[choose(outcomes)] as EffectOutcome;
    switch (outcome.type) {
      case 'emits':
        return this.#emit(effect, outcome.events);
      case 'hang':
        effect.state = 'hung';
        return 'hangs';
      case 'ok':
        this.#pending.delete(effect);
        sink.done(outcome.value);
        return 'is done';
      case 'fail':
        this.#pending.delete(effect);
        sink.failed(outcome.error);
        return 'failed';
    }
  }

  #emit(effect: Pending, [next, ...left]: readonly unknown[]): string {
    effect.left = left;
    if (left.length === 0) this.#pending.delete(effect);
    if (next !== undefined) effect.sink.next(next);
    return 'emitted';
  }

  /** All that is under way, as a part of the state. */
  text(textOf: (value: unknown) => string): string {
    const lines = [...this.#pending, ...this.givenUp].map(
      ({ label, input, state, left, outcomes }) =>
        `${label} ${state} ${textOf(input)} ${textOf(outcomes)} ${textOf(left)}`,
    );
    for (const [label, turn] of this.#turns) lines.push(`${label} turn ${turn}`);
    return lines.sort().join();
  }

  #next({ inTurn, beyond }: OutcomesInTurn, label: string): readonly EffectOutcome[] {
    const turn = this.#turns.get(label) ?? 0;
    this.#turns.set(label, Math.min(turn + 1, inTurn.length));
    const one = inTurn[turn];
    return one === undefined ? beyond : [one];
  }

  #outcomesOf(
    given: Outcomes,
    src: string,
    label: string,
  ): { outcomes: readonly EffectOutcome[]; fair: boolean } {
    const fair = 'fair' in given;
    let outcomes: unknown = fair ? given.outcomes : given;
    if ('inTurn' in given) outcomes = this.#next(given, label);
    if (outcomes instanceof fc.Arbitrary) {
      this.drew = true;
      const arbitrary = outcomes as fc.Arbitrary<EffectOutcome>;
      outcomes = outside(() => fc.sample(arbitrary, { numRuns: DRAWN, seed: 1 }));
    }
    if (Array.isArray(outcomes) && outcomes.length > 0 && outcomes.every(isOutcome))
      return { outcomes, fair };
    const allowed = 'outcomes: a list of ok(…), fail(…), hang(), emits(…), or an arbitrary of them';
    const error = new InvalidOption({ field: `effects.${src}`, given, allowed });
    this.#host.refuse(error);
    throw error;
  }
}

function isOutcome(value: unknown): value is EffectOutcome {
  const { type } = (value ?? {}) as { type?: unknown };
  return type === 'ok' || type === 'fail' || type === 'hang' || type === 'emits';
}
