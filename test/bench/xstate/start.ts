/** Raw XState: an actor of a function of state and event, which sends as it runs. */
import { createActor, fromTransition, type AnyActorRef, type EventObject } from 'xstate';

/** Starts an actor whose state is what `receive` gives back. */
export function start<TState, TEvent extends EventObject>(
  initial: TState,
  receive: (state: TState, event: TEvent, self: AnyActorRef) => TState,
): AnyActorRef {
  const logic = fromTransition(
    (state: TState, event: TEvent, { self }) => receive(state, event, self),
    initial,
  );
  return createActor(logic).start();
}
