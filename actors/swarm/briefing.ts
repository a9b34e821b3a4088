/**
 * The briefing: a handoff in words, for a model or a human. What is known stands in it, so that
 * nobody is asked again.
 */
import type { Task } from '../task.ts';
import { chainText, handoffOf, type Handoff } from './handoff.ts';

/**
 * The handoff in words; of a task, the one that it came with. Fit as the `prompt` of a `modelAgent`.
 *
 * @example
 * ```ts
 * import { briefing, handoffTool, modelAgent, scripted } from 'troupe/actors';
 *
 * const billing = modelAgent('billing', {
 *   model: scripted(['The invoice is settled.']),
 *   instructions: 'You settle invoices.',
 *   prompt: briefing,
 *   tools: { technical: handoffTool('technical', { description: 'for broken products' }) },
 * });
 * ```
 */
export function briefing(about: Task<unknown> | Handoff): string {
  const handoff = 'v' in about ? about : handoffOf(about);
  if (handoff === undefined) {
    const { goal, input } = about as Task;
    return `Goal: ${goal}\nTask: ${JSON.stringify(input)}`;
  }
  const { goal, task, user, state, results, chain, history } = handoff;
  const lines = results.map(
    ({ by, summary, value }) => `${by}: ${summary || JSON.stringify(value)}`,
  );
  return [
    `Goal: ${goal}`,
    `Task: ${JSON.stringify(task)}`,
    ...(Object.keys(user).length > 0
      ? [`Known of the user, not to be asked again: ${JSON.stringify(user)}`]
      : []),
    ...listed('Found out', lines),
    ...listed('Done', state.done),
    ...listed('Remaining', state.remaining),
    ...listed('Decided', handoff.decisions),
    ...listed('Failed', handoff.failedApproaches),
    ...listed('Open', handoff.openQuestions),
    ...listed('Assumed', handoff.assumptions),
    ...listed(
      history.omitted > 0 ? `Said, without ${history.omitted} older messages` : 'Said',
      history.messages.flatMap(saidIn),
    ),
    `Chain: ${chainText(chain)} (${handoff.reason})`,
  ].join('\n');
}

function listed(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `- ${line}`)];
}

interface Part {
  readonly type?: string;
  readonly text?: string;
  readonly toolName?: string;
  readonly input?: unknown;
  readonly output?: { readonly value?: unknown };
}

/** What was said and done in a message, a line for each part; one of another shape as it is. */
function saidIn(message: unknown): string[] {
  const { content } = (message ?? {}) as { readonly content?: unknown };
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [JSON.stringify(message)];
  return (content as readonly Part[]).map(({ type, text, toolName, input, output }) => {
    if (type === 'tool-call') return `calls ${toolName} with ${JSON.stringify(input)}`;
    if (type === 'tool-result') return `${toolName} gave ${JSON.stringify(output?.value)}`;
    return text ?? '';
  });
}
