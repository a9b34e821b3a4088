/**
 * Labels: how confidential a value is, carried with the value itself. A labelled value is plain data
 * and may stand anywhere in a message, a state or a report; where data leaves, at a compartment, a
 * performer, a model or the log, its label is compared with what may pass there.
 */
import { InvalidOption, isRef, type Report } from '../../runtime/index.ts';
import { TaskFailed } from '../failure.ts';

/** From what everybody may know to what hardly anybody may. */
export const CLASSIFICATIONS = ['public', 'internal', 'confidential', 'secret'] as const;
export type Classification = (typeof CLASSIFICATIONS)[number];

/** A value with its label. */
export interface Labelled<T> {
  readonly $label: Classification;
  readonly value: T;
}

/** What is left of a type without its labels. */
export type Bare<T> =
  T extends Labelled<infer TValue>
    ? Bare<TValue>
    : T extends object
      ? { [K in keyof T]: Bare<T[K]> }
      : T;

/** Labels a value. Throws `InvalidOption` for a classification that there is not. */
export function labelled<T>(label: Classification, value: T): Labelled<T> {
  checkClassification('labelled', label);
  return { $label: label, value };
}

/** The highest label in a value; `public` when there is none. */
export function labelOf(value: unknown): Classification {
  let highest: Classification = 'public';
  withoutLabels(value, (label, inner) => {
    if (isAbove(label, highest)) highest = label;
    return inner();
  });
  return highest;
}

/** The value without its labels, as deep as they are. */
export function bare<T>(value: T): Bare<T> {
  return withoutLabels(value, (_, inner) => inner()) as Bare<T>;
}

/** The value without its labels, where what is labelled above `upTo` has become a note of its label. */
export function withhold(value: unknown, upTo: Classification): unknown {
  return withoutLabels(value, (label, inner) =>
    isAbove(label, upTo) ? `[withheld: ${label}]` : inner(),
  );
}

/** Throws `TaskFailed` (`guardDenied`) when a value has a label above what may pass at the place. */
export function checkLabel(value: unknown, upTo: Classification, place: string): void {
  const label = labelOf(value);
  if (!isAbove(label, upTo)) return;
  const message = `${place}: given ${label} data, allowed: up to ${upTo}`;
  const retry = { sameInputWillFail: true };
  throw new TaskFailed({ kind: 'guardDenied', message, retry, effect: 'none' });
}

/**
 * A hook for the `redact` option of a system: what is labelled above `upTo` reaches no log and no
 * inspection of reports.
 *
 * @example
 * ```ts
 * import { redactLabels } from 'troupe/actors';
 *
 * const system = createSystem({ redact: redactLabels('internal') });
 * ```
 */
export function redactLabels(upTo: Classification): (report: Report) => Report {
  checkClassification('redactLabels', upTo);
  return (report) => ({ ...report, fields: withhold(report.fields, upTo) as Report['fields'] });
}

export function isAbove(label: Classification, other: Classification): boolean {
  return CLASSIFICATIONS.indexOf(label) > CLASSIFICATIONS.indexOf(other);
}

/** Throws `InvalidOption`. */
export function checkClassification(field: string, given: unknown): void {
  if (CLASSIFICATIONS.includes(given as Classification)) return;
  throw new InvalidOption({ field, given, allowed: CLASSIFICATIONS.join(', ') });
}

type Replace = (label: Classification, inner: () => unknown) => unknown;

/** A copy where `replace` says what stands for each labelled value. Refs, handles and other instances stay. */
function withoutLabels(value: unknown, replace: Replace, within: readonly object[] = []): unknown {
  if (typeof value !== 'object' || value === null || isRef(value)) return value;
  // What contains itself ends here: a message cannot travel so, but a report can hold anything.
  if (within.includes(value)) return '[circular]';
  const path = [...within, value];
  const copy = (part: unknown): unknown => withoutLabels(part, replace, path);
  if (Array.isArray(value)) return value.map(copy);
  if (value instanceof Map)
    return new Map([...value].map(([key, part]) => [copy(key), copy(part)]));
  if (value instanceof Set) return new Set([...value].map(copy));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const { $label } = value as Partial<Labelled<unknown>>;
  if ($label !== undefined) {
    // A label that nobody knows is the highest: a mistake must not make anything public.
    const label = CLASSIFICATIONS.includes($label) ? $label : 'secret';
    return replace(label, () => copy((value as Labelled<unknown>).value));
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copy(part)]));
}
