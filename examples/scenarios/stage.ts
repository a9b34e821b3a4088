// The stage on which a scenario plays: a system on virtual time with scripted models, or the real
// thing with `--live`; what is said on it; and the account at the end of each run.

import { createSystem, type AnyRef, type InspectionEvent, type System } from 'troupe';
import {
  openAICompatible,
  perform,
  scripted,
  Secret,
  type LanguageModel,
  type ModelStep,
  type Outcome,
  type Performer,
  type PerformRootOptions,
  type TaskSpec,
} from 'troupe/actors';
import type { Scenario as Simulated } from 'troupe/simulation';
import { createTestSystem, type TestSystem } from 'troupe/testing';

/** What a run can be played without, to see what it is good for. */
export const SAFEGUARDS = ['guard', 'limits', 'supervision'] as const;
export type Safeguard = (typeof SAFEGUARDS)[number];

/** A story that goes wrong on purpose, and recovers. */
export interface Scenario {
  /** As in the list of scenarios: `E1`. */
  readonly id: string;
  readonly name: string;
  /** What one sees, in a sentence. */
  readonly shows: string;
  /** What it can be played without; it goes wrong then. */
  readonly removable: readonly Safeguard[];
  play(stage: Stage): Promise<void>;
  /** The same team under all orders of events, with every choice of a model against it. */
  readonly simulated?: Simulated;
}

/** How a scenario is played. */
export interface StageOptions {
  readonly print: (line: string) => void;
  readonly without?: Safeguard;
  /** With a real model and in real time; the models' environment variables say which. */
  readonly isLive?: boolean;
}

/** The account of one run. */
export interface Account {
  readonly outcome: string;
  readonly chain: readonly string[];
  readonly hops: number;
  readonly hopsBudget: number | undefined;
  readonly tokens: number;
  readonly restarts: number;
  readonly guard: Readonly<Record<string, number>>;
  readonly trace: string;
}

export class Stage {
  readonly system: System;
  readonly #options: StageOptions;
  readonly #virtual: TestSystem | undefined;
  readonly #startedMs = performance.now();
  /** Who gave a task to whom, by the address of the run that got it. */
  readonly #givers = new Map<string, string>();
  #deepest: readonly string[] = [];
  #restarts = 0;
  #trace = '';
  #decisions: Record<string, number> = {};
  readonly accounts: Account[] = [];

  constructor(options: StageOptions) {
    this.#options = options;
    this.#virtual = options.isLive === true ? undefined : createTestSystem({ name: 'stage' });
    this.system = this.#virtual ?? createSystem({ name: 'stage', log: false });
    this.system.inspect((event) => this.#note(event));
  }

  /** Whether the run is played without it. */
  without(safeguard: Safeguard): boolean {
    return this.#options.without === safeguard;
  }

  /** Milliseconds since the curtain rose. */
  get nowMs(): number {
    return Math.round(this.#virtual?.nowMs ?? performance.now() - this.#startedMs);
  }

  /** Prints a line of the story, with the time. */
  say(text: string): void {
    this.#options.print(`${`${this.nowMs}`.padStart(7)} ms  ${text}`);
  }

  /** A model that says these steps, or the real one. */
  model(steps: readonly ModelStep[]): LanguageModel {
    if (this.#virtual !== undefined) return scripted(steps);
    const { TROUPE_MODEL_URL: baseUrl, TROUPE_MODEL: model, TROUPE_MODEL_KEY: key } = process.env;
    if (baseUrl === undefined || model === undefined) {
      throw new Error(
        '--live needs TROUPE_MODEL_URL and TROUPE_MODEL, and TROUPE_MODEL_KEY if there is one',
      );
    }
    const apiKey = key === undefined || key === '' ? {} : { apiKey: new Secret('apiKey', key) };
    return openAICompatible({ baseUrl, model, ...apiKey });
  }

  /** Waits; on virtual time, time goes on as far as it must. */
  run<T>(promise: PromiseLike<T>): Promise<T> {
    return this.#virtual === undefined ? Promise.resolve(promise) : this.#virtual.run(promise);
  }

  /** Gives a task away from outside, and prints the account of what became of it. */
  async perform<TInput, TOutput>(
    performer: Performer<TInput, TOutput>,
    spec: TaskSpec<NoInfer<TInput>> & { readonly goal: string },
    options: PerformRootOptions = {},
  ): Promise<Outcome<TOutput>> {
    this.#deepest = [];
    this.#trace = '';
    this.#decisions = {};
    this.#restarts = 0;
    const outcome = await this.run(perform(this.system, performer, spec, options));
    this.#account(outcome, options.budget?.['hops']);
    return outcome;
  }

  /** Kills an agent in the midst of whatever it does. */
  async kill(ref: AnyRef): Promise<void> {
    await this.run(ref.kill());
  }

  /** The end of the play. */
  async close(): Promise<void> {
    await this.run(this.system.stop());
  }

  #account(outcome: Outcome, hopsBudget: number | undefined): void {
    const account: Account = {
      outcome: outcomeText(outcome),
      chain: this.#deepest,
      hops: this.#deepest.length,
      hopsBudget,
      tokens: outcome.spent['tokens'] ?? 0,
      restarts: this.#restarts,
      guard: this.#decisions,
      trace: this.#trace,
    };
    this.accounts.push(account);
    const decisions = Object.entries(account.guard).map(([ruling, count]) => `${count} ${ruling}`);
    const { print } = this.#options;
    print('');
    print(`  outcome   ${account.outcome}`);
    print(`  chain     ${account.chain.join(' > ')}`);
    print(`  hops      ${account.hops}${hopsBudget === undefined ? '' : ` of ${hopsBudget}`}`);
    print(`  tokens    ${account.tokens}`);
    print(`  restarts  ${account.restarts}`);
    print(`  guard     ${decisions.join(', ') || 'not asked'}`);
    print(`  trace     ${account.trace}`);
    print('');
  }

  #note(event: InspectionEvent): void {
    if (event.type === 'restarted') this.#restarts += 1;
    else if (event.type === 'report' && event.report.label === 'guard/decision') {
      const { decision } = event.report.fields as { decision: { decision: string } };
      this.#decisions[decision.decision] = (this.#decisions[decision.decision] ?? 0) + 1;
    } else if (event.type === 'delivered') this.#noteTask(event);
  }

  /** The chain of performers, from tasks as they are given away: `by` is a run, below its performer. */
  #noteTask({ message, to, traceparent }: InspectionEvent & { type: 'delivered' }): void {
    if (typeof message !== 'object' || message === null || !('by' in message)) return;
    const { by } = message as { by: AnyRef };
    this.#trace ||= traceparent?.split('-')[1] ?? '';
    const giver = by.address.slice(0, by.address.lastIndexOf('/'));
    if (giver.includes('/')) this.#givers.set(to, giver);
    const chain = [to];
    for (let at = this.#givers.get(to); at !== undefined && !chain.includes(at);) {
      chain.unshift(at);
      at = this.#givers.get(at);
    }
    if (chain.length <= this.#deepest.length) return;
    this.#deepest = chain.map((address) => address.slice(address.indexOf('/')));
  }
}

function outcomeText(outcome: Outcome): string {
  switch (outcome.status) {
    case 'done':
      return 'done';
    case 'partial':
      return `partial, without ${outcome.missing.join(', ')}`;
    case 'failed':
      return `failed: ${outcome.failure.kind}: ${outcome.failure.message}`;
    case 'cancelled':
      return `cancelled: ${outcome.reason}`;
  }
}
