/**
 * A handoff as a tool: how a model passes its task on.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import type { Tool } from '../models/tool.ts';
import { handoff, type HandoverParts } from './handoff.ts';

/** What the model says of a handoff, unless there is a schema of its own. */
interface Said {
  readonly reason: string;
  readonly summary?: string;
}

const SAID = {
  type: 'object',
  properties: {
    reason: { type: 'string', description: 'why you hand the task off' },
    summary: { type: 'string', description: 'what you have found out' },
  },
  required: ['reason'],
} as const;

const said: StandardSchemaV1<unknown, Said> & StandardJSONSchemaV1<unknown, Said> = {
  '~standard': {
    version: 1,
    vendor: 'troupe',
    validate(value) {
      const { reason, summary } = (value ?? {}) as Partial<Record<keyof Said, unknown>>;
      if (typeof reason !== 'string' || reason === '')
        return { issues: [{ message: 'a non-empty string', path: ['reason'] }] };
      return { value: typeof summary === 'string' ? { reason, summary } : { reason } };
    },
    jsonSchema: { input: () => SAID, output: () => SAID },
  },
};

/**
 * A tool that ends the model's part and hands the task to a member of the swarm, with the
 * conversation so far. All other tools of the same answer run before; of two handoffs the first is
 * taken and the other told why not. With an `input` schema of your own, `parts` says what of it goes
 * into the handoff.
 *
 * @example
 * ```ts
 * import { handoffTool } from 'troupe/actors';
 * import { z } from 'zod';
 *
 * const toTechnical = handoffTool('technical', {
 *   description: 'for products that do not work',
 *   input: z.object({ product: z.string(), symptom: z.string() }),
 *   parts: ({ product, symptom }) => ({ reason: symptom, task: { product, symptom } }),
 * });
 * ```
 */
export function handoffTool<TArgs>(
  to: string,
  options: {
    readonly description: string;
    readonly input: StandardSchemaV1<unknown, TArgs>;
    readonly parts: (args: TArgs) => HandoverParts;
  },
): Tool<TArgs>;
export function handoffTool(to: string, options: { readonly description: string }): Tool<Said>;
export function handoffTool<TArgs>(
  to: string,
  {
    description,
    input = said as unknown as StandardSchemaV1<unknown, TArgs>,
    parts = ({ reason, summary }: TArgs & Said) =>
      summary === undefined ? { reason } : { reason, summary, result: summary },
  }: {
    readonly description: string;
    readonly input?: StandardSchemaV1<unknown, TArgs>;
    readonly parts?: (args: TArgs & Said) => HandoverParts;
  },
): Tool<TArgs> {
  return {
    description: `hands the task to ${to}: ${description}`,
    input,
    call: () => undefined,
    end: (args, messages) => handoff(to, { messages, ...parts(args as TArgs & Said) }),
  };
}
