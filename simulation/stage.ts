/**
 * The stage: what the setup of a scenario acts with, as code outside agents does.
 */
import type { EventObject } from 'xstate';
import {
  fromHandler,
  type AgentContext,
  type AnyRef,
  type System,
  type Wait,
} from '../runtime/index.ts';
import { coreOf } from '../runtime/internal.ts';
import type { Kernel } from './kernel.ts';
import { nodeOf } from './world.ts';
import type { ClusterNode } from '../transport/cluster.ts';
import type { Stage } from './scenario.ts';
import type { RootAsk } from './world.ts';

/** The stage of a run. It notes what is asked from outside, and who is a client. */
export function stageOf(kernel: Kernel): Stage {
  const [first] = kernel.systems.values();
  return stageIn(kernel, first as System);
}

function stageIn(kernel: Kernel, system: System): Stage {
  const core = coreOf(system);
  const { obligations, clients, systems, wires } = kernel;
  return {
    at: (name) => {
      const node = nodeOf(wires?.nodes ?? new Map<string, ClusterNode>(), name);
      return { ...stageIn(kernel, systems.get(name) as System), node };
    },
    system,
    spawn: (logic, ...args) => system.spawn(logic, ...args),
    send: (to, message) => to.send(message as never),
    ask: (to, request, options = {}) => {
      const root: RootAsk = {
        request: request.type,
        target: to.path.slice(1),
        outcome: 'open',
        reply: undefined,
        error: undefined,
      };
      obligations.rootAsks.push(root);
      const asker = {
        address: undefined,
        answered: (reply: unknown) => Object.assign(root, { outcome: 'answered', reply }),
        failed: (error: unknown) => Object.assign(root, { outcome: 'failed', error }),
      };
      core.ask(asker, core.destinationOf(to), request, options, undefined);
    },
    client: (id, run) => {
      const ref = system.spawn(clientOf(run), { id }) as AnyRef;
      const cell = core.cells.get(`/${id}`);
      if (cell !== undefined) clients.add(cell);
      return ref;
    },
  };
}

function clientOf(
  run: (ctx: AgentContext<EventObject>) => Generator<Wait<unknown>, void, unknown>,
) {
  return fromHandler({
    start: function* (_state: undefined, ctx: AgentContext<EventObject>) {
      yield* run(ctx);
    },
    receive: () => undefined,
  } as never);
}
