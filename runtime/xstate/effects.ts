/**
 * XState's own actors of the outside world (promises, callbacks, observables) as effects of a system
 * that has the effects seam: what they would do is not done, and what the seam says comes of it
 * instead, as the events that XState would have sent.
 */
import type { EventObject } from 'xstate';
import type { EffectSink, Effects } from '../effects.ts';
import type { Recorder } from '../recorder.ts';
import { STOP, type InnerActor } from './internals.ts';
import { effectKindOf } from './logic.ts';

interface EffectSnapshot {
  readonly status: string;
  readonly input: unknown;
  _subscription?: { unsubscribe(): void };
}

interface EffectLogic {
  transition(snapshot: EffectSnapshot, event: EventObject, scope: unknown): EffectSnapshot;
  start(snapshot: EffectSnapshot, scope: EffectScope): void;
}

/** What a logic is started with; what comes of its work goes through the system's `_relay`. */
interface EffectScope {
  readonly system: InnerActor['system'];
}

/** Puts the seam in the place of what an actor does in the outside world, if it does anything there. */
export function takeOver(actor: InnerActor, effects: Effects, agent: string): void {
  const kind = effectKindOf(actor.logic);
  if (kind === undefined) return;
  const own = actor.logic as unknown as EffectLogic;
  let giveUp = (): void => {};
  const tell = (to: InnerActor | undefined, event: unknown): void =>
    to && actor.system._relay(actor, to, event as EventObject);
  const name = kind === 'promise' ? 'xstate.promise' : 'xstate.observable';
  const [done, failed] =
    kind === 'promise' ? ([`resolve`, 'reject'] as const) : (['complete', 'error'] as const);
  const sink: EffectSink = {
    done: (data) => kind !== 'callback' && tell(actor, { type: `${name}.${done}`, data }),
    failed: (data) => tell(actor, { type: `${name}.${failed}`, data }),
    next: (value) =>
      kind === 'observable'
        ? tell(actor, { type: 'xstate.observable.next', data: value })
        : tell(actor._parent, value),
  };
  const replaced: EffectLogic = {
    ...own,
    start(snapshot) {
      if (snapshot.status !== 'active') return;
      const { key, place } = originOf(actor);
      giveUp = effects.begin({ key, kind, input: snapshot.input, agent, place }, sink);
      if (kind.endsWith('observable')) snapshot._subscription = { unsubscribe: () => undefined };
    },
    transition(snapshot, event, scope) {
      if (event.type === STOP) giveUp();
      if (kind !== 'callback') return own.transition(snapshot, event, scope);
      if (event.type === STOP) return { ...snapshot, status: 'stopped' };
      // A callback that fails does so as if its own code had thrown.
      if (event.type === `${name}.${failed}`) throw (event as EventObject & { data: unknown }).data;
      return snapshot;
    },
  };
  actor.logic = replaced as unknown as InnerActor['logic'];
}

/** Tells a recorder what an actor begins in the outside world, if anything, and what comes of it. */
export function listenIn(actor: InnerActor, recorder: Recorder, agent: string): void {
  const kind = effectKindOf(actor.logic);
  if (kind === undefined) return;
  const own = actor.logic as unknown as EffectLogic;
  const listened: EffectLogic = {
    ...own,
    start(snapshot, scope) {
      if (snapshot.status !== 'active') return own.start(snapshot, scope);
      const { key, place } = originOf(actor);
      const sink = recorder.begun({ key, kind, input: snapshot.input, agent, place });
      const { system } = scope;
      const relay: typeof system._relay = (source, target, event) => {
        tellSink(sink, target === actor, event as EventObject & { readonly data?: unknown });
        system._relay(source, target, event);
      };
      const tapped = Object.create(system, { _relay: { value: relay } }) as typeof system;
      return own.start(snapshot, { ...scope, system: tapped });
    },
  };
  actor.logic = listened as unknown as InnerActor['logic'];
}

function tellSink(
  sink: EffectSink,
  isOwn: boolean,
  event: EventObject & { readonly data?: unknown },
): void {
  if (!isOwn) return sink.next(event);
  switch (event.type) {
    case 'xstate.promise.resolve':
    case 'xstate.observable.complete':
      return sink.done(event.data);
    case 'xstate.promise.reject':
    case 'xstate.observable.error':
      return sink.failed(event.data);
    case 'xstate.observable.next':
      return sink.next(event.data);
  }
}

/** What an actor is called in its machine, and where it was begun. */
function originOf(actor: InnerActor): { key: string | undefined; place: string | undefined } {
  const { src, _parent: parent } = actor;
  const machine = parent?.logic as { readonly id?: unknown } | undefined;
  const value = parent?._snapshot?.value;
  const named = typeof src === 'string' && !src.startsWith('xstate.invoke.');
  return {
    key: named ? src : undefined,
    place:
      value === undefined
        ? undefined
        : `machine "${String(machine?.id)}" in state ${JSON.stringify(value)}`,
  };
}
