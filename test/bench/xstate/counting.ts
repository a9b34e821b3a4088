import type { AnyActorRef } from 'xstate';
import { Completion, type Rate } from '../workload.ts';
import { produce, type ToCounter } from './producer.ts';
import { start } from './start.ts';

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const counter: AnyActorRef = start(0, (total, event: ToCounter) => {
    if (event.type === 'increment') return total + 1;
    event.from.send({ type: 'total', total });
    return total;
  });
  return produce(counter, completion);
}
