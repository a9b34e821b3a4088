/**
 * The numbers of `system.stats()` as OpenTelemetry metrics. The meter's interface is taken as it
 * is, so that nothing has to be installed by those who do not use it.
 */
import type { System, SystemStats } from './system.ts';

/** The part of OpenTelemetry's `Meter` that is used; `metrics.getMeter('troupe')` is one. */
export interface Meter {
  createObservableGauge(name: string, options: MetricOptions): ObservableInstrument;
  createObservableCounter(name: string, options: MetricOptions): ObservableInstrument;
}

export interface MetricOptions {
  readonly description: string;
  readonly unit: string;
}

export interface ObservableInstrument {
  addCallback(callback: (result: { observe(value: number): void }) => void): void;
  removeCallback(callback: (result: { observe(value: number): void }) => void): void;
}

type Kind = 'gauge' | 'counter';

const METRICS: readonly [Kind, string, string, string, (stats: SystemStats) => number][] = [
  ['gauge', 'troupe.agents', '{agent}', 'agents alive', (stats) => stats.agents],
  [
    'gauge',
    'troupe.mailbox.messages',
    '{message}',
    'messages that wait',
    (stats) => stats.queuedMessages,
  ],
  [
    'gauge',
    'troupe.mailbox.oldest',
    'ms',
    'age of the oldest message of the fullest mailbox',
    (stats) => stats.deepestMailbox?.oldestMs ?? 0,
  ],
  ['gauge', 'troupe.requests.open', '{request}', 'open requests', (stats) => stats.openRequests],
  ['gauge', 'troupe.timers', '{timer}', 'armed timers', (stats) => stats.timers],
  [
    'gauge',
    'troupe.loop.lag',
    'ms',
    'how late the run loop got its last turn',
    (stats) => stats.loopLagMs,
  ],
  ['gauge', 'troupe.asks.mean', 'ms', 'mean time to an answer', (stats) => stats.asks.meanMs],
  ['counter', 'troupe.messages', '{message}', 'messages delivered', (stats) => stats.delivered],
  [
    'counter',
    'troupe.messages.unhandled',
    '{message}',
    'messages that no transition took',
    (stats) => stats.unhandled,
  ],
  [
    'counter',
    'troupe.dead_letters',
    '{message}',
    'messages that reached nobody',
    (stats) => stats.deadLetters,
  ],
  ['counter', 'troupe.crashes', '{crash}', 'crashes', (stats) => stats.crashes],
  ['counter', 'troupe.restarts', '{restart}', 'restarts', (stats) => stats.restarts],
  ['counter', 'troupe.asks.failed', '{request}', 'asks that failed', (stats) => stats.asks.failed],
];

/**
 * Registers the numbers of a system with an OpenTelemetry meter; returns what takes them away again.
 *
 * @example
 * ```ts
 * import { metrics } from '@opentelemetry/api';
 * observeMetrics(system, metrics.getMeter('troupe'));
 * ```
 */
export function observeMetrics(system: Pick<System, 'stats'>, meter: Meter): () => void {
  const removals = METRICS.map(([kind, name, unit, description, value]) => {
    const options = { unit, description };
    const instrument =
      kind === 'gauge'
        ? meter.createObservableGauge(name, options)
        : meter.createObservableCounter(name, options);
    const callback = (result: { observe(value: number): void }): void =>
      result.observe(value(system.stats()));
    instrument.addCallback(callback);
    return () => instrument.removeCallback(callback);
  });
  return () => {
    for (const remove of removals) remove();
  };
}
