/**
 * What an event's id says, in words. The ids are made in simulation/run.ts and simulation/faults.ts;
 * they are all that a case, a token and an explanation know of an event.
 */

/** The number of a choice that stands for all of its label. */
const EVERY = 0;

/** The parts of an id. */
export type EventId =
  | {
      readonly kind: 'message' | 'answer';
      readonly from: string;
      readonly to: string;
      readonly type: string;
      readonly nth: number;
    }
  | { readonly kind: 'timer'; readonly of: string; readonly nth: number }
  | { readonly kind: 'effect'; readonly of: string; readonly effect: string; readonly nth: number }
  | { readonly kind: 'network'; readonly isParted: boolean; readonly nth: number }
  | { readonly kind: 'fault'; readonly fault: string; readonly of: EventId }
  | { readonly kind: 'waiting'; readonly agent: string; readonly life: number }
  | { readonly kind: 'choice'; readonly by: string; readonly label: string; readonly nth: number }
  | { readonly kind: 'other'; readonly text: string };

const WAITING = /^crash waiting (.*)@(\d+)$/;
const FAULT = /^(crash after|crash|drop|duplicate|reorder|cut|late) (.*)$/;
/** The work of the outside world, by agent and name. */
const EFFECT = /^effect (?:(.*)\/)?(.*)#(\d+)$/;
const NETWORK = /^(partition|heal) #(\d+)$/;
const TIMER = /^timer (.*)#(\d+)$/;
/** `#*` is every choice of a label. */
const CHOICE = /^choose (?:([^:]*):)?(.*)#(\d+|\*)$/;
const MESSAGE = /^(.*?)>(.*?):(reply )?(.*)#(\d+)$/;

/** Takes an id apart. */
export function parseId(id: string): EventId {
  const waiting = WAITING.exec(id);
  if (waiting) return { kind: 'waiting', agent: waiting[1] ?? '', life: Number(waiting[2]) };
  const fault = FAULT.exec(id);
  if (fault) return { kind: 'fault', fault: fault[1] ?? '', of: parseId(fault[2] ?? '') };
  const timer = TIMER.exec(id);
  if (timer) return { kind: 'timer', of: timer[1] ?? '', nth: Number(timer[2]) };
  const effect = EFFECT.exec(id);
  if (effect) {
    const [, of = '', name = '', nth] = effect;
    return { kind: 'effect', of, effect: name, nth: Number(nth) };
  }
  const network = NETWORK.exec(id);
  if (network)
    return { kind: 'network', isParted: network[1] === 'partition', nth: Number(network[2]) };
  const choice = CHOICE.exec(id);
  if (choice) {
    const [, by = '', label = '', nth] = choice;
    return { kind: 'choice', by, label, nth: nth === '*' ? EVERY : Number(nth) };
  }
  const message = MESSAGE.exec(id);
  if (message === null) return { kind: 'other', text: id };
  const [, from = '', to = '', answer, type = '', nth] = message;
  return { kind: answer === undefined ? 'message' : 'answer', from, to, type, nth: Number(nth) };
}

/** The agent in whose step the event is handled. */
export function receiverOf(id: string): string | undefined {
  return agentOf(parseId(id));
}

function agentOf(event: EventId): string | undefined {
  switch (event.kind) {
    case 'message':
    case 'answer':
      return event.to;
    case 'timer':
    case 'effect':
      return event.of;
    case 'network':
      return undefined;
    case 'waiting':
      return event.agent;
    case 'fault':
      return agentOf(event.of);
    case 'choice':
      return event.by;
    case 'other':
      return undefined;
  }
}

/** What happens when the event does, as a clause without its subject: "handles `go` (from A)". */
function doing(event: EventId): string {
  switch (event.kind) {
    case 'message':
      if (event.from === 'timer') return `handles its timer \`${event.type}\`${again(event.nth)}`;
      if (event.from === 'inner') return `handles its own \`${event.type}\`${again(event.nth)}`;
      return `handles \`${event.type}\` (${again(event.nth, 'the ', ' ')}from ${sender(event.from)})`;
    case 'answer':
      return `gets the answer to \`${event.type}\` (${again(event.nth, 'the ', ' ')}from ${event.from})`;
    case 'timer':
      return `is woken by its timer${again(event.nth)}`;
    case 'effect':
      return `gets the outcome of \`${event.effect}\`${again(event.nth)}`;
    default:
      return idInWords(event);
  }
}

/** One event before another: "C handles `use` (from B) BEFORE `init` (from A)". */
export function orderInWords(before: string, after: string): string {
  const first = parseId(before);
  const second = parseId(after);
  const one = receiverOf(before);
  const other = receiverOf(after);
  if (one === undefined || other === undefined)
    return `${idInWords(first)} BEFORE ${idInWords(second)}`;
  const head = `${sender(one)} ${doing(first)}`;
  if (one !== other) return `${head} BEFORE ${sender(other)} ${doing(second)}`;
  const tail = doing(second);
  const isSame = first.kind === 'message' && second.kind === 'message';
  const bare = tail.startsWith('handles `') && isSame && doing(first).startsWith('handles `');
  return `${head} BEFORE ${bare ? tail.slice('handles '.length) : `it ${tail}`}`;
}

/** A fault, a choice or any event as a sentence. */
export function idInWords(event: EventId): string {
  switch (event.kind) {
    case 'waiting':
      return `${event.agent} crashes while it waits${event.life > 1 ? ` (life ${event.life})` : ''}`;
    case 'fault':
      return faultInWords(event.fault, event.of);
    case 'choice': {
      const which = event.nth === EVERY ? ' (every time)' : again(event.nth);
      return `\`${event.label}\`${event.by === '' ? '' : ` of ${sender(event.by)}`}${which}`;
    }
    case 'message':
    case 'answer':
      return `${sender(event.to)} ${doing(event)}`;
    case 'timer':
    case 'effect':
      return `${event.of} ${doing(event)}`;
    case 'network':
      return `${event.isParted ? 'the network is parted' : 'the network is whole again'}${again(event.nth)}`;
    case 'other':
      return event.text;
  }
}

function faultInWords(fault: string, of: EventId): string {
  if (fault === 'late' && of.kind === 'effect')
    return `\`${of.effect}\`${again(of.nth)} of ${of.of} goes on after it was given up`;
  if (of.kind !== 'message' && of.kind !== 'answer') return `${fault} ${idInWords(of)}`;
  if (fault === 'cut') return `the link between ${of.from} and ${of.to} is cut`;
  const who = sender(of.to);
  const what = of.kind === 'answer' ? `the answer to \`${of.type}\`` : `\`${of.type}\``;
  const which = `${what}${again(of.nth)} from ${sender(of.from)}`;
  switch (fault) {
    case 'crash':
      return `${who} crashes on ${which}`;
    case 'crash after':
      return `${who} crashes right after it has handled ${which}`;
    case 'drop':
      return `${which} to ${who} is lost`;
    case 'reorder':
      return `${which} to ${who} is overtaken by the next`;
    default:
      return `${which} to ${who} comes twice`;
  }
}

/** Code outside agents has no name. */
export function sender(agent: string): string {
  return agent === 'env' || agent === '' ? 'outside' : agent;
}

function again(nth: number, before = ' (the ', after = ')'): string {
  if (nth === 1) return '';
  const ending =
    nth % 100 > 10 && nth % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][nth % 10] ?? 'th');
  return `${before}${nth}${ending}${after}`;
}
