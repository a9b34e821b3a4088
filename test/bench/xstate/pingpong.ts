import type { AnyActorRef } from 'xstate';
import { Completion, type Rate } from '../workload.ts';
import { start } from './start.ts';

type Pong = { readonly type: 'pong'; readonly number: number };
type ToPing = { readonly type: 'start'; readonly rounds: number } | Pong;
type ToPong = { readonly type: 'ping'; readonly number: number; readonly from: AnyActorRef };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const pong = start(0, (state, { number, from }: ToPong) => {
    from.send({ type: 'pong', number });
    return state;
  });
  const ping = start(0, (rounds, event: ToPing, from) => {
    if (event.type === 'start') {
      pong.send({ type: 'ping', number: 1, from });
      return event.rounds;
    }
    const { number } = event;
    if (number === rounds) completion.done(number);
    else pong.send({ type: 'ping', number: number + 1, from });
    return rounds;
  });
  return (rounds) => completion.after(() => ping.send({ type: 'start', rounds }));
}
