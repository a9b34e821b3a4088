/**
 * A reproduction: what a recorder kept of a running system, as a scenario. The same agents are set
 * up, the same messages come in, and effects come to what they came to; the orders are explored.
 */
import type { EventObject } from 'xstate';
import { InvalidOption, type AnyRef } from '../runtime/index.ts';
import { coreOf } from '../runtime/internal.ts';
import { hang, type EffectModel, type EffectOutcome } from './effects.ts';
import type { Scenario, Stage } from './scenario.ts';
import { Stepper } from './stepper.ts';

/** What comes in from outside: agents are named by path, such as `/desk/w1`. */
export interface Entrance {
  readonly send: (to: string, message: EventObject) => void;
  readonly ask: (to: string, request: EventObject) => void;
  readonly ref: (path: string) => AnyRef;
}

/** What came of the effects of one name of one agent, one after the other. */
export interface KnownEffect {
  /** `agent/key`, as in `desk/w1/callLLM`. */
  readonly of: string;
  readonly outcomes: readonly EffectOutcome[];
}

/** What is known of a run that went wrong. */
export interface ReproductionOptions {
  readonly name: string;
  /** Spawns the agents that lived at the top, under the same ids. */
  readonly setup: (stage: Stage) => void;
  /** Sends and asks what was sent and asked, once all of them have started. */
  readonly enter: (entrance: Entrance) => void;
  readonly effects?: readonly KnownEffect[];
}

/** The scenario of a reproduction; a file that {@link reproductionOf} has written calls it. */
export function reproduction({ name, setup, enter, effects = [] }: ReproductionOptions): Scenario {
  return {
    name,
    setup(stage) {
      setup(stage);
      const { scheduler, cells } = coreOf(stage.system);
      if (scheduler instanceof Stepper) scheduler.settle();
      const at = (path: string): AnyRef => {
        const [, top] = path.split('/');
        if (cells.get(`/${top}`) === undefined) {
          const allowed = `setup({ spawn }) { spawn(…, { id: '${top}' }); }: a message goes to ${path}`;
          throw new InvalidOption({ field: 'setup', given: `nobody at /${top}`, allowed });
        }
        return stage.system.ref(path);
      };
      enter({
        send: (to, message) => at(to).send(message as never),
        ask: (to, request) => stage.ask(at(to), request),
        ref: at,
      });
    },
    effects: modelsOf(effects),
  };
}

/**
 * An effect comes to what the effect of that name and number came to. One more of them, as another
 * order may begin, comes to anything that one of its key has come to, or to nothing.
 */
function modelsOf(effects: readonly KnownEffect[]): Record<string, EffectModel> {
  const models: Record<string, EffectModel> = {};
  const byKey = new Map<string, EffectOutcome[]>();
  for (const { of, outcomes } of effects) {
    const key = of.slice(of.lastIndexOf('/') + 1);
    byKey.set(key, [...(byKey.get(key) ?? []), ...outcomes]);
  }
  for (const [key, outcomes] of byKey) {
    const any = outcomes.length > 0 ? outcomes : [hang()];
    models[key] = any;
    for (const { of, outcomes: inTurn } of effects)
      if (of.endsWith(`/${key}`)) models[of] = { inTurn, beyond: any };
  }
  return models;
}
