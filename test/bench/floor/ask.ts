import { Completion, type Rate } from '../workload.ts';
import { Cell } from './floor.ts';

type Question = { readonly answer: (number: number) => void };

/** A promise per ask. */
export async function open(): Promise<Rate> {
  const completion = new Completion();
  let number = 0;
  const server = new Cell<Question>(({ answer }) => answer((number += 1)));
  const ask = (): Promise<number> => new Promise((answer) => server.send({ answer }));
  return (asks) =>
    completion.after(() => {
      number = 0;
      void (async () => {
        let last = 0;
        for (let i = 0; i < asks; i += 1) last = await ask();
        completion.done(last);
      })();
    });
}
