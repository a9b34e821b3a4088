import type { Rate } from '../workload.ts';
import { open as openRaw } from '../raw-ws/link-oneway.ts';

export const open = (): Promise<Rate> => openRaw(false);
