import { child, startChild } from 'troupe';
import type { AnyActorRef } from 'xstate';
import { machines } from '../machines/pingpong.ts';
import { openStage } from '../troupe/stage.ts';
import { Completion, type Rate } from '../workload.ts';

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const logics = machines(completion.done);
  const ping = await startChild(top, child({ id: 'ping', logic: logics.ping }));
  const pong = await startChild(top, child({ id: 'pong', logic: logics.pong }));
  ping.send({ type: 'link', peer: pong as unknown as AnyActorRef });
  pong.send({ type: 'link', peer: ping as unknown as AnyActorRef });
  return (rounds) => completion.after(() => ping.send({ type: 'start', rounds }));
}
