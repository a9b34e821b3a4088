import { PEERS, type Rate } from '../workload.ts';
import { open as openOneway } from './link-oneway.ts';

export const open = (): Promise<Rate> => openOneway(PEERS);
