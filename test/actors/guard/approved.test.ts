// P8: an approval never authorises a different call or a different state, in whatever order wishes,
// facts and answers come, and whoever crashes on the way.

import { fromHandler, type AgentContext, type Wait } from 'troupe';
import {
  EffectConflict,
  guard,
  guardedAction,
  type ApprovalRequest,
  type Verdict,
} from 'troupe/actors';
import { choose, explain, explore, fail, hang, ok, type Scenario } from 'troupe/simulation';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

/** `TROUPE_RUNS` makes it many more. */
const RUNS = Number(process.env['TROUPE_RUNS'] ?? 1);

/** What each thing costs. */
type Prices = Readonly<Record<'tea' | 'cake', number>>;
const order = z.object({ item: z.enum(['tea', 'cake']), amount: z.number() });
type Order = z.infer<typeof order>;
const ORDERS: readonly Order[] = [
  { item: 'tea', amount: 1 },
  { item: 'tea', amount: 2 },
  { item: 'cake', amount: 1 },
];

/** What the policy looked at when it asked for an approval. */
interface Looked extends Order {
  readonly agent: string;
  readonly price: number;
}

/** Keeps the books of who approved what, from outside the guard. */
class Books {
  readonly #looked: Looked[] = [];
  readonly #approved: number[] = [];
  /** Those that are used up too. */
  readonly #everApproved: Looked[] = [];
  readonly verdicts: Verdict[] = [];
  readonly wrongs: string[] = [];
  wishes = 0;

  /** The number of this look, which goes to the approver with the question. */
  look(looked: Looked): number {
    return this.#looked.push(looked) - 1;
  }

  approve(number: number): void {
    this.#approved.push(number);
    this.#everApproved.push(this.#looked[number]!);
  }

  /** Somebody is told that it was done: it must have been approved for nobody else. */
  performed({ item, amount }: Order, agent: string): void {
    const isApproved = this.#everApproved.some(
      (looked) => looked.item === item && looked.amount === amount && looked.agent === agent,
    );
    if (!isApproved) this.wrongs.push(`nobody approved ${amount} ${item} for ${agent}`);
  }

  /** Something is begun, in the turn of the latest look: there must be an approval for just that. */
  begin({ item, amount }: Order, price: number): void {
    const { agent } = this.#looked.at(-1)!;
    const now = JSON.stringify({ item, amount, agent, price });
    const used = this.#approved.findIndex((number) => {
      const { item, amount, agent, price } = this.#looked[number]!;
      return JSON.stringify({ item, amount, agent, price }) === now;
    });
    if (used < 0) this.wrongs.push(`nobody approved ${now}`);
    else this.#approved.splice(used, 1);
  }
}

function shop(crash: readonly string[]): { scenario: Scenario; books: () => Books } {
  let books = new Books();
  const scenario: Scenario = {
    name: 'a shop',
    setup({ spawn, send, client }) {
      books = new Books();
      const approver = spawn(
        fromHandler({
          *receive(_: undefined, request: ApprovalRequest, ctx) {
            const answer = choose('answer', ['yes', 'no', 'yes, later']);
            if (answer === 'yes, later') yield* ctx.sleep(1);
            const isApproved = answer !== 'no';
            if (isApproved) books.approve(Number(request.decision.reason));
            ctx.reply(request, { type: 'approval', isApproved, by: 'ann', reason: answer });
          },
        }),
        { id: 'approver' },
      );
      const desk = spawn(
        guard({
          state: { tea: 3, cake: 5 } as Prices,
          approver,
          approvalTimeoutMs: 50,
          learn: (prices: Prices, fact: Partial<Prices>) => ({ ...prices, ...fact }),
          actions: {
            buy: guardedAction({
              effectClass: 'spend',
              args: order,
              watches: (prices: Prices, { item }) => prices[item],
              commit: (prices: Prices, args) => {
                books.begin(args, prices[args.item]);
                return { ...prices };
              },
              effect: async () => 'bought',
            }),
          },
          policy: {
            version: '1',
            rules: [
              {
                id: 'all',
                rule: ({ action, principal, state }) => {
                  const args = action.args as Order;
                  const looked = { ...args, agent: principal.agent, price: state[args.item] };
                  return { decision: 'escalate', reason: `${books.look(looked)}` };
                },
              },
            ],
          },
        }),
        { id: 'desk' },
      );
      for (const who of ['bob', 'eve']) {
        client(who, function* (ctx: AgentContext): Generator<Wait<unknown>, void, unknown> {
          const asks = ['first', 'second'].map((which) => {
            const args = choose(which, ORDERS);
            books.wishes += 1;
            const request = { type: 'perform.buy', args } as const;
            return { args, answer: ctx.ask(desk, request, { timeoutMs: Infinity }) };
          });
          for (const { args, answer } of asks) {
            try {
              const verdict = yield* answer;
              books.verdicts.push(verdict);
              if (verdict.ruling === 'performed') books.performed(args, ctx.self.address);
            } catch {
              books.wishes -= 1;
            }
          }
        });
      }
      for (const tea of [4, 3]) send(desk, { type: 'learn', fact: { tea } });
      send(desk, { type: 'learn', fact: { cake: 6 } });
    },
    effects: {
      '/desk/buy': [
        ok('bought'),
        fail(new EffectConflict({ tea: 7 })),
        fail(new Error('503')),
        hang(),
      ],
    },
    faults: { crash: { of: crash, max: 2 } },
    allow: { crashes: ['*'], deadLetters: ['*'], waiting: ['*'] },
    invariant: {
      'what is begun was approved, as it is, for whoever wants it, once': () =>
        books.wrongs.length === 0,
    },
  };
  return { scenario, books: () => books };
}

describe('an approval covers one performance of one call in one state (P8)', () => {
  it.each([
    ['its approvals and effects', ['desk/*']],
    ['the approver', ['approver']],
    ['the guard', ['desk']],
  ])('also when %s may crash', (_, crash) => {
    const { scenario } = shop(crash);
    const report = explore(scenario, { schedules: 200 * RUNS, exhaustiveMs: 0 });
    expect(report.failure && explain(report)).toBeUndefined();
  });

  it('and approvals do get used', () => {
    const { scenario, books } = shop(['nobody']);
    let performed = 0;
    const counting: Scenario = {
      ...scenario,
      eventually: {
        'whoever waits has a verdict, unless the effect hangs': () => {
          performed += books().verdicts.filter(({ ruling }) => ruling === 'performed').length;
          return books().verdicts.length <= books().wishes;
        },
      },
    };
    expect(explore(counting, { schedules: 50, exhaustiveMs: 0 }).failure).toBeUndefined();
    expect(performed).toBeGreaterThan(0);
  });
});
