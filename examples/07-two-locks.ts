// What one learns: agents that wait for each other are found without a property. Two clerks take the
// same two locks, each in its own order. In production a deadline would end it after a while; here
// default deadlines never pass, so they hide nothing. One order for all clerks is enough, and proved.

import { agentName, fromHandler, type Ref, type ReplyTo } from 'troupe';
import { explain, explore, type Scenario } from 'troupe/simulation';

type Take = { type: 'take'; replyTo: ReplyTo<{ type: 'yours' }> };
type LockEvent = Take | { type: 'release' };

const Ledger = agentName<Ref<LockEvent>>('ledger');
const Safe = agentName<Ref<LockEvent>>('safe');

/** A lock gives itself to one at a time, and keeps the requests of the others until then. */
const lock = fromHandler({
  initial: () => ({ isTaken: false, waiting: [] as readonly Take[] }),
  receive({ isTaken, waiting }, event: LockEvent, ctx) {
    if (event.type === 'take') {
      if (!isTaken) {
        ctx.reply(event, { type: 'yours' });
        return { isTaken: true, waiting };
      }
      ctx.defer(event);
      return { isTaken, waiting: [...waiting, event] };
    }
    const [next, ...others] = waiting;
    if (next !== undefined) ctx.reply(next, { type: 'yours' });
    return { isTaken: next !== undefined, waiting: others };
  },
});

const bank = (
  name: string,
  orders: Record<string, readonly [typeof Safe, typeof Safe]>,
): Scenario => ({
  name,
  setup({ spawn, client }) {
    spawn(lock, { id: 'ledger', name: Ledger });
    spawn(lock, { id: 'safe', name: Safe });
    for (const [id, [first, second]] of Object.entries(orders))
      client(id, function* (ctx) {
        yield* ctx.ask(first, { type: 'take' });
        yield* ctx.ask(second, { type: 'take' });
        ctx.send(second, { type: 'release' });
        ctx.send(first, { type: 'release' });
      });
  },
});

const each = bank('each in its own order', { ann: [Ledger, Safe], bob: [Safe, Ledger] });
const same = bank('all in one order', { ann: [Ledger, Safe], bob: [Ledger, Safe] });
console.log(explain(explore(each), { replay: false }));
console.log(`\n${explain(explore(same))}`);

// Prints:
// STUCK after 6 steps    [each in its own order]
//    nothing can happen any more, and this is open: ann⇒safe:take (held by safe, which is idle),
//    bob⇒ledger:take (held by ledger, which is idle)
//
// why: it fails in the plainest order, in which what was sent first is handled first
//
// what happens:
//    1  ann → ledger  take?
//    2  bob → safe    take?
//    3  ledger → ann  answer to take
//    4  safe → bob    answer to take
//    5  ann → safe    take?
//    6  bob → ledger  take?
//
// who had the request:
//    `take`: ann asks in step 3 → safe takes it in step 5, and owes the answer
//    `take`: bob asks in step 4 → ledger takes it in step 6, and owes the answer
//
// PROVED all in one order: every order of events was tried (44 states), and none fails
