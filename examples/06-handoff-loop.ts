// What one learns: a simulation finds the order of events, and the choices of a model, in which a
// team of agents hands a request round for ever. It needs no property for that: a request that is
// never answered is always wrong. The explanation says who had it, and the fix is proved.

import { agentName, fromHandler, type Ref, type ReplyTo } from 'troupe';
import { choose, explain, explore, type Scenario } from 'troupe/simulation';

type Ticket = {
  type: 'ticket';
  about: 'money' | 'modem';
  replyTo: ReplyTo<{ type: 'solved'; by: string }>;
};

const Triage = agentName<Ref<Ticket>>('triage');

/** A specialist answers what it knows about, and hands all else back. */
const specialist = (name: string, knows: Ticket['about']) =>
  fromHandler({
    receive(_state: undefined, ticket: Ticket, ctx) {
      if (ticket.about === knows) ctx.reply(ticket, { type: 'solved', by: name });
      else ctx.forward(Triage, ticket);
    },
  });

/** Triage asks a model who is right for a ticket. What a model says is not ours to decide: `choose`. */
const triage = (team: Record<string, Ref<Ticket>>, remembers: boolean) =>
  fromHandler({
    initial: (): readonly string[] => [],
    receive(tried: readonly string[], ticket: Ticket, ctx) {
      const name = choose(
        'model',
        Object.keys(team).filter((each) => !tried.includes(each)),
      );
      ctx.forward(team[name]!, ticket);
      return remembers ? [...tried, name] : tried;
    },
  });

const support = (remembers: boolean): Scenario => ({
  name: remembers ? 'support, remembering' : 'support',
  setup({ spawn, ask }) {
    const team = {
      billing: spawn(specialist('billing', 'money'), { id: 'billing' }),
      tech: spawn(specialist('tech', 'modem'), { id: 'tech' }),
    };
    const desk = spawn(triage(team, remembers), { id: 'triage', name: Triage });
    ask(desk, { type: 'ticket', about: 'modem' });
  },
});

console.log(explain(explore(support(false)), { replay: false }));
console.log(`\n${explain(explore(support(true)))}`);

// Prints:
// HANDOFF_LOOP after 1 step, in a loop of 2 steps    [support]
//    env⇒triage:ticket stays open while this goes on for ever: billing>triage:ticket,
//    triage>billing:ticket
//
// why: it fails in the plainest order, in which what was sent first is handled first
//
// what happens:
//    1  outside → triage  ticket?  `model` of triage: billing (1 of 2)
//
// who had the request:
//    `ticket`: outside asks → triage (step 1) hands it on → billing (step 2) hands it on → triage again, and so on
//
// and then for ever:
//    2  triage → billing  ticket?
//    3  billing → triage  ticket?  `model` of triage (the 2nd): billing (1 of 2)
//
// PROVED support, remembering: every order of events was tried (9 states), and none fails
