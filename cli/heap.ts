/**
 * How the heap of the command treats garbage. Each schedule makes a system and throws it away. V8
 * sees that some of its objects outlive a collection, and then puts all of their kind where only the
 * slow collections look, and with them the runs that they point into. Without that guess it is half
 * as fast again.
 */
import { setFlagsFromString } from 'node:v8';

/** Tells V8 not to guess; for all threads of this process, before the first run. */
export function expectShortLives(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
