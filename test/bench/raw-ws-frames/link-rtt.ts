import type { Rate } from '../workload.ts';
import { open as openRaw } from '../raw-ws/link-rtt.ts';

export const open = (): Promise<Rate> => openRaw(false);
