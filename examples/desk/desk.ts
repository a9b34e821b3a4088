/** A run of the desk: starts the tree, writes down what happens in it, and waits for its end. */
import { createSystem, stopOnSignals } from 'troupe';

import { desk, messageOf } from './agents.ts';
import type { Options } from './arguments.ts';
import type { Result } from './document.ts';
import { createProgress, type Screen } from './progress.ts';

export type Agent = { path: string; restarts: number; status: string };
export type Incident = { atMs: number; kind: 'timeout' | 'crash' | 'restart'; text: string };
export type Report = Awaited<ReturnType<typeof runDesk>>;

/** Resolves when the tree has ended: no document is left, somebody has stopped it, or it gave up. */
export async function runDesk(paths: readonly string[], options: Options, screen?: Screen) {
  const startMs = performance.now();
  const [agents, results] = [new Map<string, Agent>(), new Map<string, Result>()];
  const incidents: Incident[] = [];
  const show = createProgress(paths.length, screen);
  const note = (kind: Incident['kind'], text: string) => {
    incidents.push({ atMs: Math.round(performance.now() - startMs), kind, text });
    show(kind, text);
  };
  const system = createSystem({ log: false });
  system.inspect((event) => {
    if (event.type === 'spawned') {
      agents.set(event.path, { path: event.path, restarts: 0, status: 'running' });
    } else if (event.type === 'crashed') {
      note('crash', `${event.path}: ${messageOf(event.error)}`);
    } else if (event.type === 'restarted') {
      note('restart', `${event.path}, now in its life ${event.incarnation}`);
    } else if (event.type === 'ended') {
      const { path, incarnation, reason } = event;
      const cause = reason.type === 'shutdown' ? reason.cause : undefined;
      if (cause !== undefined) note('crash', messageOf(cause));
      const status = cause === undefined ? reason.type : 'gave up';
      agents.set(path, { path, restarts: incarnation - 1, status });
    } else if (event.type === 'settled' && event.outcome === 'expired') {
      note('timeout', `${event.path} did not answer "${event.request}" in time`);
    }
  });
  const take = (result: Result) => {
    const { path, outcome, reason = '', ms } = result;
    if (results.has(path)) return;
    results.set(path, result);
    show(outcome, `${path}${reason && `: ${reason}`} (${Math.round(ms)} ms)`);
  };
  const root = system.spawn(desk(paths, options, take), { id: 'desk' });
  const stopListening = stopOnSignals(system);
  await new Promise((resolve) => system.monitor(root, resolve));
  await system.stop();
  stopListening();
  const lost = { outcome: 'failed', reason: 'the desk was stopped', ms: 0 } as const;
  const documents = paths.map((path): Result => results.get(path) ?? { path, ...lost });
  const ms = Math.round(performance.now() - startMs);
  const byPath = (a: Agent, b: Agent) => a.path.localeCompare(b.path, 'en', { numeric: true });
  return { ms, documents, agents: [...agents.values()].sort(byPath), incidents };
}
