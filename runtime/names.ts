/**
 * The registry of names: typed keys under which agents are found. A name belongs to a life and is
 * free before the `Down` of that life is delivered.
 */
import type { Cell } from './cell.ts';
import { InvalidOption, NameTaken, NoSuchActor } from './errors.ts';
import type { Life } from './life.ts';
import type { AgentName, AnyRef, RefFrom } from './ref.ts';
import type { AnyActorLogic } from 'xstate';

/**
 * Makes a typed name: what it finds has the type of the logic's refs.
 *
 * @example
 * ```ts
 * const Editor = agentName<typeof editorMachine>('editor');
 * ```
 */
export function agentName<TLogic extends AnyActorLogic>(name: string): AgentName<RefFrom<TLogic>>;
export function agentName<TRef extends AnyRef>(name: string): AgentName<TRef>;
export function agentName(name: string): AgentName {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidOption({ field: 'agentName', given: name, allowed: 'a non-empty string' });
  }
  return Object.freeze({ name });
}

/** The string of a name. Throws `InvalidOption` for what is none. */
export function nameOf(name: AgentName | string): string {
  const named: unknown = typeof name === 'object' ? name?.name : name;
  if (typeof named === 'string' && named !== '') return named;
  const allowed = 'a non-empty string or an agentName(...)';
  throw new InvalidOption({ field: 'name', given: name, allowed });
}

/** Names and the lives that hold them. */
export class Names {
  readonly #holders = new Map<string, Life>();
  readonly #tell: (type: 'registered' | 'unregistered', name: string, life: Life) => void;

  constructor(tell: (type: 'registered' | 'unregistered', name: string, life: Life) => void) {
    this.#tell = tell;
  }

  /**
   * Gives the name to a life. Throws `NameTaken`, also when the life itself holds it already, and
   * `NoSuchActor` when the life has ended: nobody would free the name again.
   */
  register(name: string, life: Life): void {
    if (life.over) throw new NoSuchActor({ address: life.address });
    const holder = this.#holders.get(name);
    if (holder !== undefined && !holder.over) {
      throw new NameTaken({ name, requestedBy: life.address, heldBy: holder.address });
    }
    this.#holders.set(name, life);
    (life.names ??= new Set()).add(name);
    this.#tell('registered', name, life);
  }

  /** Takes a name from a life; nothing happens when it does not hold it. */
  unregister(name: string, life: Life): void {
    life.names?.delete(name);
    if (this.#holders.get(name) !== life) return;
    this.#holders.delete(name);
    this.#tell('unregistered', name, life);
  }

  /** All names of an ended life are free. */
  release(life: Life): void {
    if (life.names === undefined) return;
    for (const name of life.names) this.unregister(name, life);
    life.names = undefined;
  }

  find(name: string): Cell | undefined {
    return this.#holders.get(name)?.cell;
  }

  get size(): number {
    return this.#holders.size;
  }

  /** Every name and the path of its holder, sorted. */
  list(): { readonly name: string; readonly path: string }[] {
    return [...this.#holders]
      .map(([name, life]) => ({ name, path: life.cell.path }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
