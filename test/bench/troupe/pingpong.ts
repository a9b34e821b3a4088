import { child, fromHandler, startChild, type Ref } from 'troupe';
import { Completion, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

type Pong = { readonly type: 'pong'; readonly number: number };
type ToPing = { readonly type: 'start'; readonly rounds: number } | Pong;
type ToPong = { readonly type: 'ping'; readonly number: number; readonly from: Ref<Pong> };

export async function open(stage = openStage()): Promise<Rate> {
  const { top } = await stage;
  const completion = new Completion();
  const pongLogic = fromHandler({
    receive(_: undefined, { number, from }: ToPong, ctx) {
      ctx.send(from, { type: 'pong', number });
    },
  });
  const pong = await startChild(top, child({ id: 'pong', logic: pongLogic }));
  const pingLogic = fromHandler({
    initial: () => 0,
    receive(rounds: number, event: ToPing, ctx) {
      if (event.type === 'start') {
        ctx.send(pong, { type: 'ping', number: 1, from: ctx.self });
        return event.rounds;
      }
      const { number } = event;
      if (number === rounds) completion.done(number);
      else ctx.send(pong, { type: 'ping', number: number + 1, from: ctx.self });
      return rounds;
    },
  });
  const ping = await startChild(top, child({ id: 'ping', logic: pingLogic }));
  return (rounds) => completion.after(() => ping.send({ type: 'start', rounds }));
}
