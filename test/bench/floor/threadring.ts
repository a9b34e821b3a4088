import { CROWD, Completion, type Rate } from '../workload.ts';
import { Cell } from './floor.ts';

type Token = { readonly hop: number; readonly hops: number };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const nodes = Array.from(
    { length: CROWD },
    (_, i): Cell<Token> =>
      new Cell<Token>(({ hop, hops }) => {
        if (hop === hops) completion.done(hop);
        else nodes[(i + 1) % CROWD]!.send({ hop: hop + 1, hops });
      }),
  );
  return (hops) => completion.after(() => nodes[0]!.send({ hop: 1, hops }));
}
