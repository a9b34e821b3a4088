import * as fc from 'fast-check';
import { fromHandler, type AgentContext, type ReplyTo } from 'troupe';
import { explore, type Scenario } from 'troupe/simulation';
import { describe, expect, it } from 'vitest';
import {
  unexplained,
  type Operation,
  type SequentialModel,
} from '../../simulation/linearizable.ts';

type Request = { type: 'write'; value: number } | { type: 'read' };

const register: SequentialModel<number> = {
  initial: 0,
  apply: (state, request) => {
    const asked = request as Request;
    return asked.type === 'write'
      ? { state: asked.value, reply: { type: 'written' } }
      : { state, reply: { type: 'value', value: state } };
  },
};

const operation = (
  request: Request,
  askedAt: number,
  answeredAt: number,
  value?: number,
): Operation => ({
  by: 'a client',
  request,
  askedAt,
  answeredAt,
  reply: request.type === 'write' ? { type: 'written' } : { type: 'value', value },
});

describe('a history', () => {
  it('is linearizable when requests overlap and some order explains the answers', () => {
    expect(
      unexplained(
        [
          operation({ type: 'write', value: 1 }, 0, 5),
          operation({ type: 'read' }, 1, 2, 1),
          operation({ type: 'read' }, 3, 4, 1),
        ],
        register,
      ),
    ).toBeUndefined();
  });

  it('is not when a value is read, and after that an older one', () => {
    const stale = operation({ type: 'read' }, 3, 4, 0);
    expect(
      unexplained(
        [operation({ type: 'write', value: 1 }, 0, 5), operation({ type: 'read' }, 1, 2, 1), stale],
        register,
      ),
    ).toBe(stale);
  });

  it('is explained by a request without an answer, whether it was handled or not', () => {
    const lost = operation({ type: 'write', value: 1 }, 0, Infinity);
    for (const value of [0, 1])
      expect(unexplained([lost, operation({ type: 'read' }, 1, 2, value)], register)).toBe(
        undefined,
      );
    const impossible = operation({ type: 'read' }, 1, 2, 2);
    expect(unexplained([lost, impossible], register)).toBe(impossible);
  });

  it('of one place that handles one request at a time always is', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            value: fc.option(fc.nat(3), { nil: undefined }),
            early: fc.nat(4),
            late: fc.nat(4),
          }),
          { maxLength: 7 },
        ),
        (steps) => {
          let state: unknown = register.initial;
          const operations = steps.map(({ value, early, late }, index) => {
            const request: Request =
              value === undefined ? { type: 'read' } : { type: 'write', value };
            const next = register.apply(state as number, request);
            state = next.state;
            // Handled at 10 * index, asked some time before and answered some time after.
            return {
              by: 'a client',
              request,
              askedAt: 10 * index - 5 * early,
              answeredAt: 10 * index + 1 + 5 * late,
              reply: next.reply,
            };
          });
          expect(unexplained(operations, register)).toBeUndefined();
        },
      ),
    );
  });
});

type Event =
  | { type: 'write'; value: number; replyTo: ReplyTo<{ type: 'written' }> }
  | { type: 'read'; replyTo: ReplyTo<{ type: 'value'; value: number }> }
  | { type: 'copy'; value: number };

/** A register and a copy of it, which may be read too. */
const replicated = (readsFrom: 'copy' | 'main'): Scenario => ({
  name: `reads from ${readsFrom}`,
  linearizable: { of: ['main', 'copy'], model: register },
  setup({ spawn, client }) {
    const copy = spawn(
      fromHandler({
        initial: () => 0,
        receive(value: number, event: Event, ctx: AgentContext<Event>) {
          if (event.type === 'read') ctx.reply(event, { type: 'value', value });
          return event.type === 'copy' ? event.value : value;
        },
      }),
      { id: 'copy' },
    );
    const main = spawn(
      fromHandler({
        initial: () => 0,
        receive(value: number, event: Event, ctx: AgentContext<Event>) {
          if (event.type === 'read') ctx.reply(event, { type: 'value', value });
          if (event.type !== 'write') return value;
          ctx.send(copy, { type: 'copy', value: event.value });
          ctx.reply(event, { type: 'written' });
          return event.value;
        },
      }),
      { id: 'main' },
    );
    client('writer', function* (ctx) {
      yield* ctx.ask(main, { type: 'write', value: 1 });
      // It knows that its write is done.
      yield* ctx.ask(readsFrom === 'copy' ? copy : main, { type: 'read' });
    });
  },
});

describe('a scenario that says what its answers must be like', () => {
  it('fails where a copy answers with what was overwritten before the question', () => {
    const { verdict, failure } = explore(replicated('copy'));
    expect(verdict).toBe('SAFETY');
    expect(failure?.violation.message).toContain(
      'writer asked read and got {type:"value",value:0,}',
    );
    expect(failure?.violation.agents).toContain('writer');
  });

  it('is proved where one place answers', () => {
    expect(explore(replicated('main')).verdict).toBe('PROVED');
  });

  it('is refused without a model', () => {
    const linearizable = { of: ['main'], model: {} as never };
    expect(() => explore({ ...replicated('main'), linearizable })).toThrow(/linearizable\.model/);
  });
});
