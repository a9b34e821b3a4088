/**
 * Windows: what of a long conversation a model still sees. What it is about stays first; of the rest
 * whole exchanges go or stay, for a tool call without its result, or a result without its call, is
 * refused by every provider.
 *
 *     pinned: instructions and goal | dropped, or a summary of it | tail
 */
import { InvalidOption, type Wait } from '../../runtime/index.ts';
import type { TaskRun } from '../run.ts';
import type { Performer } from '../task.ts';
import type { ModelMessage } from './language-model.ts';
import { tokensOf } from './model-caller.ts';

/** Cuts a conversation before each call of a model. What it drops is gone for the calls after it too. */
export type Window = (
  messages: readonly ModelMessage[],
  run: TaskRun,
) => Generator<Wait<unknown>, readonly ModelMessage[], unknown>;

/** One message, or a message with tool calls and the results that belong to it. */
type Exchange = readonly ModelMessage[];

/** Keeps the last exchanges of at most so many messages together, and one at least. Throws `InvalidOption`. */
function last(messagesMax: number): Window {
  checkCount('window.last', messagesMax);
  // oxlint-disable-next-line require-yield -- it waits for nothing
  return function* (messages) {
    const { pinned, exchanges } = partsOf(messages);
    return [...pinned, ...tailOf(exchanges, messagesMax, countOf).flat()];
  };
}

/**
 * Keeps the last exchanges that come, with the instructions and the goal, to at most so many tokens
 * by estimate, and one at least. Throws `InvalidOption`.
 */
function tokens(tokensMax: number): Window {
  checkCount('window.tokens', tokensMax);
  // oxlint-disable-next-line require-yield -- it waits for nothing
  return function* (messages) {
    const { pinned, exchanges } = partsOf(messages);
    return [...pinned, ...tailOf(exchanges, tokensMax - tokensOf(pinned), tokensOf).flat()];
  };
}

/** Keeps exchanges from the beginning and from the end, of at most so many messages. Throws `InvalidOption`. */
function headAndTail(headMessages: number, tailMessages: number): Window {
  checkCount('window.headAndTail: head', headMessages);
  checkCount('window.headAndTail: tail', tailMessages);
  // oxlint-disable-next-line require-yield -- it waits for nothing
  return function* (messages) {
    const { pinned, exchanges } = partsOf(messages);
    const tail = tailOf(exchanges, tailMessages, countOf);
    const others = exchanges.slice(0, exchanges.length - tail.length);
    const head = headOf(others, headMessages);
    return [...pinned, ...head.flat(), ...tail.flat()];
  };
}

/**
 * Once a conversation has more tokens than `aboveTokens`, a performer makes a text of all but the
 * last `keepTokens`, and the text stands in its place. When it fails, what it was to sum up is
 * dropped, and a decision says so. Throws `InvalidOption`.
 */
function summary(
  performer: Performer<readonly ModelMessage[], string>,
  { aboveTokens, keepTokens }: { readonly aboveTokens: number; readonly keepTokens: number },
): Window {
  checkCount('window.summary: aboveTokens', aboveTokens);
  checkCount('window.summary: keepTokens', keepTokens);
  return function* (messages, run) {
    if (tokensOf(messages) <= aboveTokens) return messages;
    const { pinned, exchanges } = partsOf(messages);
    const tail = tailOf(exchanges, keepTokens, tokensOf);
    const before = exchanges.slice(0, exchanges.length - tail.length).flat();
    if (before.length === 0) return messages;
    const outcome = yield* run.perform(performer, { input: before });
    if (outcome.status !== 'done') {
      const why = outcome.status === 'failed' ? outcome.failure.message : outcome.status;
      run.decide('drop what could not be summed up', why, { messages: before.length });
      return [...pinned, ...tail.flat()];
    }
    const text = `What was said before, in short: ${outcome.output}`;
    return [...pinned, { role: 'user', content: [{ type: 'text', text }] }, ...tail.flat()];
  };
}

/** The windows that there are. */
export const window = { last, tokens, headAndTail, summary } as const;

/** What stays, and the exchanges of the rest. */
function partsOf(messages: readonly ModelMessage[]): {
  readonly pinned: readonly ModelMessage[];
  readonly exchanges: readonly Exchange[];
} {
  const goal = messages.findIndex(({ role }) => role !== 'system');
  const pinnedCount = goal < 0 ? messages.length : goal + (messages[goal]?.role === 'user' ? 1 : 0);
  const exchanges: ModelMessage[][] = [];
  for (const message of messages.slice(pinnedCount)) {
    // Results belong to the calls before them, however many messages they come in.
    if (message.role === 'tool') exchanges.at(-1)?.push(message);
    else exchanges.push([message]);
  }
  return { pinned: messages.slice(0, pinnedCount), exchanges };
}

function tailOf(
  exchanges: readonly Exchange[],
  max: number,
  sizeOf: (exchange: Exchange) => number,
): readonly Exchange[] {
  let from = exchanges.length - 1;
  for (let size = sizeOf(exchanges[from] ?? []); from > 0; from -= 1) {
    size += sizeOf(exchanges[from - 1] ?? []);
    if (size > max) break;
  }
  return exchanges.slice(Math.max(0, from));
}

function headOf(exchanges: readonly Exchange[], max: number): readonly Exchange[] {
  let size = 0;
  const end = exchanges.findIndex((exchange) => (size += exchange.length) > max);
  return end < 0 ? exchanges : exchanges.slice(0, end);
}

function countOf(exchange: Exchange): number {
  return exchange.length;
}

function checkCount(field: string, given: number): void {
  if (Number.isInteger(given) && given >= 1) return;
  throw new InvalidOption({ field, given, allowed: 'an integer >= 1' });
}
