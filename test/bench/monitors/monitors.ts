/** What is always on or can be, and the work that it is measured on. */
export const MONITORS = {
  'deadlock check': { workload: 'ask' },
  watchdog: { workload: 'ask' },
  'watchdog, pingpong': { workload: 'pingpong' },
  'recording watchdog': { workload: 'ask' },
} as const;

export type MonitorName = keyof typeof MONITORS;
