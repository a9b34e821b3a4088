/**
 * Fingerprints: a short text that is the same for what means the same. With it a failure, a plan or
 * a task is known again, whatever the order of its keys.
 */

/** The fingerprint of a value: 16 hex digits. Refs count by address, functions and cycles by their place only. */
export function fingerprint(value: unknown): string {
  const text = normal(value, []);
  return hash(text, 0x811c9dc5) + hash(text, 0x01000193 ^ text.length);
}

function normal(value: unknown, above: readonly object[]): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? String(value);
  if (above.includes(value)) return '(cycle)';
  if ('address' in value && typeof value.address === 'string') return `@${value.address}`;
  if (value instanceof Date) return `date ${value.getTime()}`;
  const path = [...above, value];
  if (Array.isArray(value)) return `[${value.map((each) => normal(each, path)).join()}]`;
  if (value instanceof Set)
    return `set ${[...value]
      .map((each) => normal(each, path))
      .sort()
      .join()}`;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return `{${entries
    .filter(([, each]) => each !== undefined)
    .map(([key, each]) => `${normal(key, path)}:${normal(each, path)}`)
    .sort()
    .join()}}`;
}

/** FNV-1a over UTF-16 units, with a last mix so that near texts are far apart. */
function hash(text: string, start: number): string {
  let sum = start;
  for (let at = 0; at < text.length; at += 1)
    sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  sum = Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d);
  sum = Math.imul(sum ^ (sum >>> 13), 0x297a2d39);
  return ((sum ^ (sum >>> 16)) >>> 0).toString(16).padStart(8, '0');
}
