/**
 * A random walk: each event that can happen next is as likely as any other.
 */
import type { Dice } from '../dice.ts';
import type { Strategy } from './strategy.ts';

export function random(dice: Dice): Strategy {
  return { pick: (enabled) => dice.below(enabled.length) };
}
