/**
 * Layers of configuration: trees of values put over each other, key by key, with the layer that each
 * value came from.
 */
import { InvalidOption } from '../../runtime/index.ts';

/** One source of values: what it is called in errors, and its values by path, such as `model.endpoint`. */
export interface ConfigLayer {
  /** Such as `defaults`, `desk.staging.json` or `DESK_API_KEY`. */
  readonly origin: string;
  readonly leaves: Iterable<readonly [path: string, value: unknown]>;
}

/** A value with the layer that it came from. */
export interface Sourced {
  readonly value: unknown;
  readonly origin: string;
}

/** The layer of a tree of values. Throws `InvalidOption` for keys that are empty, dotted or `__proto__`. */
export function treeLayer(origin: string, values: object): ConfigLayer {
  return { origin, leaves: leavesOf(values, origin, '') };
}

/** The layer that sets one path. */
export function pathLayer(origin: string, path: string, value: unknown): ConfigLayer {
  const keys = path.split('.');
  return treeLayer(
    origin,
    keys.reduceRight<unknown>((below, key) => Object.fromEntries([[key, below]]), value) as object,
  );
}

/** The values of all layers by path; a later layer covers an earlier one. */
export function mergeLayers(layers: readonly ConfigLayer[]): Map<string, Sourced> {
  const merged = new Map<string, Sourced>();
  for (const { origin, leaves } of layers) {
    for (const [path, value] of leaves) {
      uncover(merged, path);
      merged.set(path, { value, origin });
    }
  }
  return merged;
}

/** The tree that the leaves make. */
export function treeOf(leaves: ReadonlyMap<string, Sourced>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, { value }] of leaves) {
    const keys = path.split('.');
    const last = keys.pop() ?? path;
    let node = root;
    for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>;
    node[last] = value;
  }
  return root;
}

function* leavesOf(values: object, origin: string, prefix: string): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(values)) {
    // These would reach into what every object inherits, or be two keys for one path.
    if (key === '' || key.includes('.') || key === '__proto__') {
      const allowed = 'keys that are not empty, have no dot and are not __proto__';
      throw new InvalidOption({
        field: `${origin}: ${prefix || 'top level'}`,
        given: key,
        allowed,
      });
    }
    if (value === undefined) continue;
    const path = `${prefix}${key}`;
    if (isTree(value)) yield* leavesOf(value, origin, `${path}.`);
    else yield [path, value];
  }
}

/** Plain objects are trees; lists, handles and everything else are values. */
function isTree(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Takes out what a value at this path replaces: a tree where it is a value, a value where it is in a tree. */
function uncover(merged: Map<string, Sourced>, path: string): void {
  for (const known of merged.keys()) {
    if (known.startsWith(`${path}.`) || path.startsWith(`${known}.`)) merged.delete(known);
  }
}
