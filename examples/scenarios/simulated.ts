// A team under all orders of events: one task is given to it, and whatever comes first, whatever its
// models say and whoever crashes, the task is settled once.

import type { AnyRef, System } from 'troupe';
import type { Outcome, PerformerRef } from 'troupe/actors';
import { fail, hang, ok, type EffectModel, type Scenario } from 'troupe/simulation';

/** What is simulated of a scenario. */
export interface Team<TInput> extends Pick<
  Scenario,
  'effects' | 'invariant' | 'faults' | 'allow' | 'project'
> {
  /** Builds the team and gives who takes the task. */
  readonly build: (system: System) => AnyRef;
  readonly input: TInput;
  /** What must hold of the outcome. */
  readonly holds?: Readonly<Record<string, (outcome: Outcome) => boolean>>;
}

/** The scenario of the simulation. */
export function simulated<TInput>({ build, input, holds = {}, ...rules }: Team<TInput>): Scenario {
  const outcomes: Outcome[] = [];
  const properties = Object.entries(holds).map(([name, property]) => [
    name,
    () => outcomes.every(property),
  ]);
  return {
    ...rules,
    setup({ system, client }) {
      outcomes.length = 0;
      const team = build(system) as PerformerRef<TInput, unknown>;
      client('user', function* (ctx) {
        const task = { id: 't', goal: 'as in the scenario', input };
        const request = { type: 'task', task, by: ctx.self, timeoutMs: 60_000 } as const;
        // It waits as long as it takes: that the task is settled must not be owed to its patience.
        const { outcome } = yield* ctx.ask(team, request, { timeoutMs: Infinity });
        outcomes.push(outcome);
      });
    },
    eventually: {
      'the task is settled, once': () => outcomes.length === 1,
      ...(Object.fromEntries(properties) as Record<string, () => boolean>),
    },
  };
}

/** A model that says one of these texts, refuses, hangs, or fails: whatever is worst. */
export function anyOf(...texts: readonly string[]): EffectModel {
  const turns = texts.map((text) =>
    ok({ text, toolCalls: [], finish: 'stop', usage: { inputTokens: 10, outputTokens: 10 } }),
  );
  const broken = Object.assign(new Error('overloaded'), { statusCode: 503 });
  return [...turns, fail(broken), hang()];
}
