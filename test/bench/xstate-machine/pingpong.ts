import { createActor } from 'xstate';
import { machines } from '../machines/pingpong.ts';
import { Completion, type Rate } from '../workload.ts';

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const logics = machines(completion.done);
  const ping = createActor(logics.ping).start();
  const pong = createActor(logics.pong).start();
  ping.send({ type: 'link', peer: pong });
  pong.send({ type: 'link', peer: ping });
  return (rounds) => completion.after(() => ping.send({ type: 'start', rounds }));
}
