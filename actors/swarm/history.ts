/**
 * The window of a conversation that goes along with a handoff: its newest messages, cut so that no
 * call of a tool is parted from its result.
 */
import { ACTORS_LIMITS } from '../limits.ts';

export interface HistoryWindow {
  readonly messages: readonly unknown[];
  /** Messages that were left out, all older. */
  readonly omitted: number;
}

/** The window with newer messages; a result whose call would be left out is left out too. */
export function extended(window: HistoryWindow, newer: readonly unknown[]): HistoryWindow {
  const messages = [...window.messages, ...newer];
  let from = Math.max(0, messages.length - ACTORS_LIMITS.handoffMessagesMax);
  while (roleOf(messages[from]) === 'tool') from += 1;
  return { messages: messages.slice(from), omitted: window.omitted + from };
}

function roleOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'role' in message
    ? message.role
    : undefined;
}
