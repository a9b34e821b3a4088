/**
 * X8: the racing link is a WebSocket that breaks once. It may lose what was sent last, and deliver
 * again what was delivered last.
 */
import { done, task, type Scenario } from 'troupe/simulation';
import { initUseRace } from '../o01-init-use-race.ts';
import { at, stateful, type Tell } from '../notation.ts';
import { websocket } from './way.ts';

/** O01, with `use` over the WebSocket. */
export function raceOverWebsocket(variant: 'buggy' | 'correct'): Scenario {
  return { ...initUseRace(variant === 'correct', websocket), name: `O01 over ws, ${variant}` };
}

type Deposit = { readonly type: 'deposit'; readonly op: string };

/**
 * L06, with the deposit over the WebSocket. The link carries no requests, so it is a message, and so
 * is its receipt. The client sends it three times, 10 ms apart, for the link loses two at most.
 */
export function retryOverWebsocket(variant: 'buggy' | 'correct'): Scenario {
  return {
    name: `L06 over ws, ${variant}`,
    invariant: {
      'booked once at most': (world) => world.state<readonly string[]>('Bk').length <= 1,
    },
    setup(stage) {
      stage.spawn(
        stateful<readonly string[], Deposit>([], (booked, { op }, ctx) => {
          ctx.send(at<Tell<'receipt'>>(stage, 'C'), { type: 'receipt' });
          return variant === 'correct' && booked.includes(op) ? booked : [...booked, op];
        }),
        { id: 'Bk' },
      );
      const bank = websocket<Deposit>(stage, 'Bk');
      const client = stage.spawn(
        stateful<number, Tell<'go' | 'late' | 'receipt'>>(0, (tries, { type }, ctx) => {
          if (type === 'receipt') {
            ctx.cancel('late');
            done('deposit');
            return tries;
          }
          ctx.send(bank, { type: 'deposit', op: 'op1' });
          if (tries < 2) ctx.after(10, { type: 'late' }, { id: 'late' });
          return tries + 1;
        }),
        { id: 'C' },
      );
      task('deposit');
      stage.send(client, { type: 'go' });
    },
  };
}
