/**
 * The effects seam: work of the outside world that an agent begins, such as a call of a model.
 *
 * A system without this seam does the work. A simulation takes its place: it says when the work is
 * over, and what came of it.
 */

/** One piece of work, about to begin. */
export interface Effect {
  /** What `ctx.effect` calls it, or its `src` in `setup({ actors })`; undefined for one that has no name. */
  readonly key: string | undefined;
  readonly kind: EffectKind;
  readonly input: unknown;
  /** The path of the agent that begins it. */
  readonly agent: string;
  /** The machine and the state that begin it, for people. */
  readonly place: string | undefined;
}

export type EffectKind = 'promise' | 'callback' | 'observable' | 'event observable';

/** Where what comes of the work goes. What comes of work that was given up is of no effect. */
export interface EffectSink {
  done(value: unknown): void;
  failed(error: unknown): void;
  /** A callback or an observable has something to tell, and goes on. */
  next(value: unknown): void;
}

/** Does the work that agents begin. */
export interface Effects {
  /** Begins the work; returns what gives it up. */
  begin(effect: Effect, sink: EffectSink): () => void;
}
