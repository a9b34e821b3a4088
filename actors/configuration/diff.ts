/**
 * The difference between the configurations of two environments, for a review before a release.
 */
import type { Config } from './config.ts';
import { Secret } from './secret.ts';

/** One path that two environments do not agree on. A side that does not set it has no entry. */
export interface ConfigDifference {
  readonly path: string;
  readonly left?: ConfigSide;
  readonly right?: ConfigSide;
}

/** What one environment says. A secret shows as its handle's text. */
export interface ConfigSide {
  readonly value: unknown;
  readonly origin: string;
}

/**
 * Lists by path where two configurations differ, with the layer that set each side. Secrets are
 * compared and never shown.
 */
export function diffConfigs(left: Config<unknown>, right: Config<unknown>): ConfigDifference[] {
  const paths = new Set([...left.sourced.keys(), ...right.sourced.keys()]);
  return [...paths]
    .toSorted()
    .filter((path) => !same(left.sourced.get(path)?.value, right.sourced.get(path)?.value))
    .map((path) => ({ path, ...sideOf('left', left, path), ...sideOf('right', right, path) }));
}

function sideOf(side: 'left' | 'right', config: Config<unknown>, path: string): object {
  const sourced = config.sourced.get(path);
  if (sourced === undefined) return {};
  const { value, origin } = sourced;
  return { [side]: { value: value instanceof Secret ? value.toString() : value, origin } };
}

function same(left: unknown, right: unknown): boolean {
  if (left instanceof Secret && right instanceof Secret) return left.equals(right);
  return JSON.stringify(left) === JSON.stringify(right);
}
