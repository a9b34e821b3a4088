import type { Rate } from '../workload.ts';
import { open as openRaw } from '../raw-ws/link-ask.ts';

export const open = (): Promise<Rate> => openRaw(false);
