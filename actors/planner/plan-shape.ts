/**
 * The shapes of plans and of changes to plans: what is expected of JSON, and told to models.
 */
import { SHAPE, type JsonShape } from './json-shape.ts';

const text: JsonShape = { type: 'string', minLength: 1 };
const texts: JsonShape = { type: 'array', items: text };
const binding: JsonShape = { $ref: '#/$defs/binding' };
const bindings: JsonShape = { type: 'object', additionalProperties: binding };
const times: JsonShape = { type: 'integer', minimum: 1 };

function record(required: readonly string[], properties: Record<string, JsonShape>): JsonShape {
  return { type: 'object', additionalProperties: false, required, properties };
}

const ladder: JsonShape = {
  type: 'array',
  items: {
    anyOf: [
      record(['type'], { type: { enum: ['retry', 'reassign'] }, times }),
      record(['type', 'name'], { type: { enum: ['strategy'] }, name: text }),
      record(['type'], { type: { enum: ['degrade'] } }),
    ],
  },
};

const step = record(['id', 'capability'], {
  id: { ...text, description: 'unique in the plan' },
  capability: { ...text, description: 'the name of a capability of the registry' },
  input: { ...binding, description: 'where the input comes from' },
  needs: { ...texts, description: 'steps that must be done before, besides those it takes from' },
  timeoutMs: { type: 'number', minimum: 0 },
  accept: { $ref: '#/$defs/shape' },
  fallback: { ...binding, description: 'what stands in for the output when the step fails' },
  skip: { type: 'boolean' },
  ladder,
  replanOn: texts,
});

const $defs = {
  ...SHAPE.$defs,
  step,
  binding: {
    anyOf: [
      record(['from', 'value'], { from: { enum: ['literal'] }, value: {} }),
      record(['from'], { from: { enum: ['task'] }, path: text }),
      record(['from', 'step'], { from: { enum: ['step'] }, step: text, path: text }),
      record(['from', 'fields'], { from: { enum: ['fields'] }, fields: bindings }),
    ],
  },
} satisfies Record<string, JsonShape>;

const steps: JsonShape = { type: 'array', items: { $ref: '#/$defs/step' } };

/** Of a plan as JSON. */
export const PLAN_SHAPE: JsonShape = {
  ...record(['steps'], {
    steps: { ...steps, minItems: 1 },
    output: binding,
    ladder,
    replan: record([], {
      failures: { type: 'object', additionalProperties: times },
      blockedPercent: { type: 'number', minimum: 0 },
      stallMs: { type: 'number', minimum: 0 },
    }),
  }),
  $defs,
};

/** Of a change to a plan, for the instructions of a model that plans. */
export const PLAN_DIFF_SHAPE: JsonShape = {
  ...record(['reason'], {
    reason: { ...text, description: 'why, in a sentence' },
    keep: { ...texts, description: 'steps that stay as they are; so do all that are not named' },
    cancel: { ...texts, description: 'steps to take out' },
    replace: { ...steps, description: 'steps to do otherwise, under their ids' },
    add: steps,
    reorder: {
      type: 'object',
      additionalProperties: texts,
      description: 'what a step needs from now on, by its id',
    },
    fallback: { ...bindings, description: 'what stands in for the output of a step, by its id' },
    giveUp: { ...text, description: 'why nothing more can be done' },
  }),
  $defs,
};
