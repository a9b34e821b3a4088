/**
 * Restart strategy: when one child is to be restarted, who else is? Pure.
 */

/** Whom the end of one child concerns. */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one';

export const STRATEGIES: readonly Strategy[] = ['one_for_one', 'one_for_all', 'rest_for_one'];

/** The ids that are restarted for `id`, in start order; they are stopped in reverse. */
export function restartGroup(
  strategy: Strategy,
  ids: readonly string[],
  id: string,
): readonly string[] {
  switch (strategy) {
    case 'one_for_one':
      return [id];
    case 'one_for_all':
      return ids;
    case 'rest_for_one':
      return ids.slice(ids.indexOf(id));
  }
}
