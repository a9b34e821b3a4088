/**
 * X8 with the protocol itself: the racing link is one between two nodes, over which troupe's transport
 * runs, and which is cut once. Nothing comes again by itself then: what was on its way is lost, whoever
 * waits for an answer is told `noconnection`, and the node dials again.
 */
import type { Ref, ReplyTo } from 'troupe';
import { requires, type Scenario } from 'troupe/simulation';
import { agent, ok, stateful, type Ok, type Tell } from '../notation.ts';

const LINK = {
  links: ['edge<->core'],
  faults: { cut: { on: ['edge<->core'], max: 1 } },
} as const;

/** O01: A and C are on one node, and B, which sends `use`, is on the other. */
export function raceOverCluster(variant: 'buggy' | 'correct'): Scenario {
  return {
    ...LINK,
    name: `O01 over a cluster, ${variant}`,
    ordering: [requires('C', 'use', { after: 'init' })],
    setup(stage) {
      const core = stage.at('core');
      const edge = stage.at('edge');
      const c = core.spawn(
        stateful<'new' | 'ready', Tell<'init' | 'use'>>('new', (state, { type }, ctx) => {
          if (type === 'init') return 'ready';
          if (variant === 'correct' && state === 'new') ctx.postpone();
          return state;
        }),
        { id: 'C' },
      );
      const use = edge.node.ref('core/C') as Ref<Tell<'use'>>;
      edge.spawn(
        agent<Tell<'go'>>((_go, ctx) => ctx.send(use, { type: 'use' })),
        { id: 'B' },
      );
      const b = core.node.ref('edge/B') as Ref<Tell<'go'>>;
      const a = core.spawn(
        agent<Tell<'go'>>((_go, ctx) => {
          ctx.send(c, { type: 'init' });
          ctx.send(b, { type: 'go' });
        }),
        { id: 'A' },
      );
      core.send(a, { type: 'go' });
    },
  };
}

type Deposit = { readonly type: 'deposit'; readonly op: string; readonly replyTo: ReplyTo<Ok> };

/** L06: the bank is on another node; the client asks again 20 ms after it got no answer, three times at most. */
export function retryOverCluster(variant: 'buggy' | 'correct'): Scenario {
  return {
    ...LINK,
    name: `L06 over a cluster, ${variant}`,
    invariant: {
      'booked once at most': (world) => world.state<readonly string[]>('Bk').length <= 1,
    },
    setup(stage) {
      stage.at('core').spawn(
        stateful<readonly string[], Deposit>([], (booked, event, ctx) => {
          ctx.reply(event, ok);
          return variant === 'correct' && booked.includes(event.op)
            ? booked
            : [...booked, event.op];
        }),
        { id: 'Bk' },
      );
      const edge = stage.at('edge');
      const bank = edge.node.ref('core/Bk') as Ref<Deposit>;
      edge.client('C', function* (ctx) {
        for (let tries = 0; tries < 3; tries += 1) {
          try {
            yield* ctx.ask(bank, { type: 'deposit', op: 'op1' }, { timeoutMs: 10 });
            return;
          } catch {
            yield* ctx.sleep(20);
          }
        }
      });
    },
  };
}
