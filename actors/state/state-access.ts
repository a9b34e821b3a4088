/**
 * What work has at hand of shared state: reading, writing by compare-and-set, and results that are
 * passed on by reference.
 */
import type { AgentName, Ref, Wait } from '../../runtime/index.ts';
import { backoffMs, type BackoffOptions } from '../../supervision/index.ts';
import { digestOf } from '../digest.ts';
import { TaskFailed } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import type { TaskRun } from '../run.ts';
import type { CompartmentName } from './compartment.ts';
import { bare, type Labelled } from './label.ts';
import type {
  Change,
  Item,
  Items,
  Present,
  ReadItems,
  Shape,
  StateEvent,
  Written,
} from './shared-state.ts';

/** Until its supervisor has started the owner again. */
const RETRY: BackoffOptions = { minMs: 10, maxMs: 1_000, factor: 4 };

type Waits<T> = Generator<Wait<unknown>, T, unknown>;
/** Shared state, by ref or by name. */
export type StateRef<TShape extends Shape> =
  Ref<StateEvent<TShape>> | AgentName<Ref<StateEvent<TShape>>>;

/** A result by reference: small enough to hand on, whatever it stands for. */
export interface ResultRef {
  readonly type: 'result';
  readonly key: string;
  /** Of what was kept: another value under the key is not taken for it. */
  readonly digest: string;
  /** Its size as JSON. */
  readonly chars: number;
  /** What it is, in a few words. */
  readonly summary: string;
}

/** Access to shared state for one task, with the task's deadline and in its name. */
export class StateAccess<TShape extends Shape> {
  readonly #run: TaskRun;
  readonly #state: StateRef<TShape>;
  /** Other lives and other systems over the same store must not have the same: by it writes are known again. */
  readonly #id: string;
  #writes = 0;

  /** @internal Made by `stateOf`. */
  constructor(run: TaskRun, state: StateRef<TShape>) {
    this.#run = run;
    this.#state = state;
    this.#id = `${run.ctx.self.address}#${run.ctx.random().toString(36).slice(2)}`;
  }

  /** The items of a compartment by key, and the keys of those that are not for this agent. Throws `AccessDenied`. */
  *read<C extends CompartmentName>(
    compartment: C,
  ): Waits<{ readonly items: Items<TShape[C]>; readonly withheld: readonly string[] }> {
    const reply = (yield* this.#ask({ type: 'read', compartment })) as ReadItems<TShape>;
    const { items, withheld } = reply;
    return { items: (items[compartment] ?? {}) as Items<TShape[C]>, withheld };
  }

  /**
   * Writes all of it or nothing. A value that has another version than the change expects is a
   * conflict. A write whose answer was lost is asked for again, and is not done twice. Throws
   * `AccessDenied`, and `TaskFailed` (`invalidInput`) for what does not fit.
   */
  *write(...changes: readonly Change<TShape>[]): Waits<Written> {
    this.#writes += 1;
    const writeId = `${this.#id}.${this.#writes}`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (yield* this.#ask({ type: 'write', changes, writeId })) as Written;
      } catch (error) {
        // Its owner ended, and is started again: whether it had written it knows by the id.
        const { kind } = this.#run.failureOf(error);
        const isLost = kind === 'crash' || kind === 'unavailable';
        if (!isLost || attempt > ACTORS_LIMITS.conflictRetries) throw error;
        yield* this.#run.sleep(backoffMs(RETRY, attempt - 1, this.#run.ctx.random()));
      }
    }
  }

  /** Appends to what was said, under the number of its version. Throws as `write`. */
  *say(value: Present<TShape['conversation'][keyof TShape['conversation']]>): Waits<void> {
    const change = { compartment: 'conversation', value } as unknown as Change<TShape>;
    yield* this.write(change);
  }

  /**
   * Reads a value, changes it, and writes it, anew for as long as others are faster, up to
   * `conflictRetries` times; then it throws `TaskFailed` (`unavailable`). `change` is pure: it gets
   * the value without its label, or undefined.
   */
  *update<C extends CompartmentName, K extends keyof TShape[C] & string>(
    compartment: C,
    key: K,
    change: (
      before: Present<TShape[C][K]> | undefined,
    ) => Present<TShape[C][K]> | Labelled<Present<TShape[C][K]>>,
    { subject }: { readonly subject?: string } = {},
  ): Waits<number> {
    for (let conflicts = 0; conflicts <= ACTORS_LIMITS.conflictRetries; conflicts += 1) {
      const { items, withheld } = yield* this.read(compartment);
      if (withheld.includes(key)) throw unreadable(compartment, key);
      const item = (items as Readonly<Record<string, Item | undefined>>)[key];
      const before = item === undefined ? undefined : bare(item.value);
      const written = yield* this.write({
        compartment,
        key,
        value: change(before as Present<TShape[C][K]> | undefined),
        expected: item?.version ?? 0,
        ...(subject !== undefined && { subject }),
      } as unknown as Change<TShape>);
      if (written.type === 'written') return written.version;
    }
    const message = `${compartment}.${key}: others were faster ${ACTORS_LIMITS.conflictRetries + 1} times`;
    throw new TaskFailed({ kind: 'unavailable', message, retry: { retryable: true } });
  }

  /** Keeps a result under a key, and gives what to hand on instead of it. Throws as `update`. */
  *keep<K extends keyof TShape['results'] & string>(
    key: K,
    value: Present<TShape['results'][K]> | Labelled<Present<TShape['results'][K]>>,
    summary: string,
  ): Waits<ResultRef> {
    yield* this.update('results', key, () => value);
    const plain = bare(value);
    const { length: chars } = JSON.stringify(plain) ?? '';
    return { type: 'result', key, digest: digestOf(plain), chars, summary };
  }

  /** The result that a reference stands for. Throws `TaskFailed` (`unavailable`) when it is not there, or not the same any more. */
  *fetch({ key, digest, summary }: ResultRef): Waits<unknown> {
    const { items, withheld } = yield* this.read('results');
    if (withheld.includes(key)) throw unreadable('results', key);
    const item = (items as Readonly<Record<string, Item | undefined>>)[key];
    if (item !== undefined && digestOf(bare(item.value)) === digest) return item.value;
    const why = item === undefined ? 'is not there' : 'is another one now';
    const message = `results.${key} (${summary}) ${why}`;
    throw new TaskFailed({ kind: 'unavailable', message, retry: { sameInputWillFail: true } });
  }

  #ask(event: object): Waits<unknown> {
    const { ctx, remainingMs: timeoutMs } = this.#run;
    return ctx.ask(this.#state as never, event as never, {
      timeoutMs,
    }) as unknown as Waits<unknown>;
  }
}

/** Gives work access to shared state. */
export function stateOf<TShape extends Shape>(
  run: TaskRun,
  state: StateRef<TShape>,
): StateAccess<TShape> {
  return new StateAccess(run, state);
}

function unreadable(compartment: string, key: string): TaskFailed {
  const message = `${compartment}.${key}: its label is above what this agent may read`;
  return new TaskFailed({
    kind: 'guardDenied',
    message,
    effect: 'none',
    retry: { sameInputWillFail: true },
  });
}
