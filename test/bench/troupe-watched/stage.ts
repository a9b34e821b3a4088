/** A stage with a watchdog over it. */
import { watchForTrouble } from 'troupe';
import { openStage, type Stage } from '../troupe/stage.ts';

export async function openWatched(): Promise<Stage> {
  const stage = await openStage();
  watchForTrouble(stage.system);
  return stage;
}
