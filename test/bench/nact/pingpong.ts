import { dispatch, spawn, start, type Ref } from 'nact';
import { Completion, type Rate } from '../workload.ts';

type Pong = { readonly type: 'pong'; readonly number: number };
type ToPing = { readonly type: 'start'; readonly rounds: number } | Pong;
type ToPong = { readonly type: 'ping'; readonly number: number; readonly from: Ref<Pong> };

export async function open(): Promise<Rate> {
  const system = start();
  const completion = new Completion();
  const pong = spawn(system, (_: undefined, { number, from }: ToPong) => {
    dispatch(from, { type: 'pong', number });
    return undefined;
  });
  const ping = spawn(
    system,
    (rounds: number, event: ToPing, { self }) => {
      if (event.type === 'start') {
        dispatch(pong, { type: 'ping', number: 1, from: self });
        return event.rounds;
      }
      const { number } = event;
      if (number === rounds) completion.done(number);
      else dispatch(pong, { type: 'ping', number: number + 1, from: self });
      return rounds;
    },
    'ping',
    { initialState: 0 },
  );
  return (rounds) => completion.after(() => dispatch(ping, { type: 'start', rounds }));
}
