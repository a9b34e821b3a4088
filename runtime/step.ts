/**
 * Whose step runs now. There is one thread and steps never nest, so one variable tells, for all
 * systems of the process; a send looks here to find the outbox that it belongs to.
 */
import type { Cell } from './cell.ts';

/** The cell whose step runs now; undefined between steps. */
export const running: { cell: Cell | undefined } = { cell: undefined };
