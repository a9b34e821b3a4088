/** What our contenders stand on: a system with default options, and a supervisor for its agents. */
import { createSystem, supervisor, type RefFrom, type System } from 'troupe';

export interface Stage {
  readonly system: System;
  readonly top: RefFrom<ReturnType<typeof supervisor>>;
}

export async function openStage(): Promise<Stage> {
  const system = createSystem();
  return { system, top: await system.start(supervisor({ children: [] }), { id: 'top' }) };
}
