/**
 * Restart policy: should a child that ended by itself be started again? Pure, and the table of
 * OTP's `supervisor` in code.
 *
 *                            permanent   transient   temporary
 *     normal, shutdown       restart     leave       leave
 *     anything else          restart     restart     leave
 */
import { isCleanExit, type ExitReason } from '../runtime/index.ts';

/** When a child is started again. */
export type Restart = 'permanent' | 'transient' | 'temporary';

export const RESTARTS: readonly Restart[] = ['permanent', 'transient', 'temporary'];

/** Whether a child that ended by itself is started again. */
export function shouldRestart(restart: Restart, reason: ExitReason): boolean {
  switch (restart) {
    case 'permanent':
      return true;
    case 'transient':
      return !isCleanExit(reason);
    case 'temporary':
      return false;
  }
}

/** Whether a child's own end is worth an error report: a permanent child should not end at all. */
export function isReported(restart: Restart, reason: ExitReason): boolean {
  return restart === 'permanent' || !isCleanExit(reason);
}

/** Whether a child that was told to stop ended as it should: as told, or by itself in a clean way that its type allows. */
export function stoppedWell(restart: Restart, shutdown: unknown, reason: ExitReason): boolean {
  const asTold =
    shutdown === 'brutal_kill'
      ? reason.type === 'killed'
      : reason.type === 'shutdown' && reason.detail === undefined;
  return asTold || (restart !== 'permanent' && isCleanExit(reason));
}
