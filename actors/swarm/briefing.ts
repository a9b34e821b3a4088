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
      history.messages.map((message) => JSON.stringify(message)),
    ),
    `Chain: ${chainText(chain)} (${handoff.reason})`,
  ].join('\n');
}

function listed(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `- ${line}`)];
}
