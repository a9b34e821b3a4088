/** All series, in the order of the page. */
import { agents } from './agents.ts';
import { asks } from './asks.ts';
import { children, dynamicChildren, restarts } from './children.ts';
import { deadLetters } from './dead-letters.ts';
import { mailbox } from './mailbox.ts';
import { names } from './names.ts';
import type { Series } from './series.ts';
import { siblings } from './siblings.ts';
import { timers } from './timers.ts';

export const ALL: readonly Series[] = [
  agents,
  siblings,
  children,
  dynamicChildren,
  restarts,
  mailbox,
  asks,
  timers,
  names,
  deadLetters,
];
