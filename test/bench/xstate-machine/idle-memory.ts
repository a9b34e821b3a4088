import { createActor } from 'xstate';
import { machine } from '../machines/idle-memory.ts';
import type { Fill } from '../workload.ts';

export async function open(): Promise<Fill> {
  const logic = machine();
  return async (agents) => {
    let actors = Array.from({ length: agents }, () => createActor(logic).start());
    for (const actor of actors) actor.send({ type: 'add' });
    const count = actors.filter((actor) => actor.getSnapshot().context.count === 1).length;
    return { count, release: () => (actors = []) };
  };
}
