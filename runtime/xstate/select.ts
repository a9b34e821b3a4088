/**
 * Selection: which transitions of a state may take an event, and which of them does.
 */
import type { EventObject } from 'xstate';
import type { BuiltinGuard, MachineNode, MachineSnapshot, Transition } from './internals.ts';

/** A node's transitions for an event type: the exact ones, then wildcards, the longest first. */
export function candidatesOf(node: MachineNode, type: string): Transition[] {
  const wildcards = [...node.transitions.keys()]
    .filter((descriptor) => descriptor !== type && matches(type, descriptor))
    .sort((a, b) => b.length - a.length);
  return [type, ...wildcards].flatMap((descriptor) => node.transitions.get(descriptor) ?? []);
}

function matches(type: string, descriptor: string): boolean {
  if (descriptor === '*') return true;
  if (!descriptor.endsWith('.*')) return false;
  const prefix = descriptor.slice(0, -2).split('.');
  const tokens = type.split('.');
  return prefix.every((token, index) => token === '*' || token === tokens[index]);
}

/** The first candidate whose guard passes. */
export function select(
  selector: readonly Transition[],
  snapshot: MachineSnapshot,
  event: EventObject,
): Transition | undefined {
  for (const transition of selector) {
    const { guard } = transition;
    if (guard === undefined || passes(guard, snapshot, event, transition)) return transition;
  }
  return undefined;
}

function passes(
  guard: unknown,
  snapshot: MachineSnapshot,
  event: EventObject,
  transition: Transition,
): boolean {
  try {
    return evaluate(guard, snapshot, event);
  } catch (error) {
    const type = typeof guard === 'string' ? guard : (guard as { type?: string }).type;
    const named = typeof guard !== 'function' && type !== undefined ? `'${type}' ` : '';
    const where = `in transition for event '${event.type}' in state node '${transition.source.id}'`;
    throw new Error(`Unable to evaluate guard ${named}${where}:\n${(error as Error).message}`, {
      cause: error,
    });
  }
}

function evaluate(guard: unknown, snapshot: MachineSnapshot, event: EventObject): boolean {
  const { context, machine } = snapshot;
  const inline = typeof guard === 'function';
  const type = typeof guard === 'string' ? guard : (guard as { type: string }).type;
  const resolved: unknown = inline ? guard : machine.implementations.guards[type];
  if (resolved === undefined) throw new Error(`Guard '${type}' is not implemented.'.`);
  if (typeof resolved !== 'function') return evaluate(resolved, snapshot, event);
  const args = { context, event };
  if ('check' in resolved) {
    const builtin = resolved as unknown as BuiltinGuard;
    return builtin.check(snapshot, args, resolved);
  }
  const given =
    inline || typeof guard === 'string' ? undefined : (guard as { params?: unknown }).params;
  const params: unknown =
    typeof given === 'function' ? (given as (args: object) => unknown)(args) : given;
  return (resolved as (args: object, params: unknown) => boolean)(args, params);
}
