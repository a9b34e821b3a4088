import { open as openOn } from '../troupe/ask.ts';
import type { Rate } from '../workload.ts';
import { openWatched } from './stage.ts';

export function open(): Promise<Rate> {
  return openOn(openWatched());
}
