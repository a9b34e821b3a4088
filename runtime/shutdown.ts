/**
 * A helper for services: stop the system when the process is told to end. Offered, not imposed.
 */
import type { System } from './system.ts';

/**
 * Stops the system on SIGTERM and SIGINT, then lets the process end by itself; a second signal ends
 * it at once with the signal's customary exit code. Returns what takes the listeners away again.
 *
 * @example
 * ```ts
 * const system = createSystem();
 * stopOnSignals(system);
 * ```
 */
export function stopOnSignals(
  system: Pick<System, 'stop'>,
  options: { readonly signals?: readonly NodeJS.Signals[]; readonly onStopped?: () => void } = {},
): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], onStopped } = options;
  let stopping = false;
  const off = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) {
      off();
      process.kill(process.pid, signal);
      return;
    }
    stopping = true;
    void system.stop().then(() => {
      off();
      onStopped?.();
    });
  };
  for (const signal of signals) process.on(signal, onSignal);
  return off;
}
