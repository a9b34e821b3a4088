import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { InvalidOption } from '../../runtime/errors.ts';
import {
  Mailbox,
  checkMailbox,
  type MailboxOptions,
  type Offered,
  type Queued,
} from '../../runtime/mailbox.ts';

interface Entry extends Queued {
  readonly message: { readonly id: number; readonly key: string };
}

let clockMs = 0;
function entry(id: number, options: { exempt?: boolean; key?: string } = {}): Entry {
  const { exempt = false, key = 'k' } = options;
  return { enqueuedAtMs: clockMs++, exempt, message: { id, key } };
}

const byKey: MailboxOptions<Entry['message']> = { overflow: { conflate: ({ key }) => key } };
const ids = (entries: Iterable<Entry>): number[] => [...entries].map(({ message }) => message.id);

/** The contract once more, with arrays and no thought of cost. */
class Model {
  queue: Entry[] = [];
  postponed: Entry[] = [];
  readonly capacity: number;
  readonly capacityPostponed: number;
  readonly policy: string;

  constructor(capacity: number, capacityPostponed: number, policy: string) {
    this.capacity = capacity;
    this.capacityPostponed = capacityPostponed;
    this.policy = policy;
  }

  get depth(): number {
    return this.queue.filter(({ exempt }) => !exempt).length;
  }

  offer(offered: Entry): Offered<Entry> {
    if (offered.exempt || this.depth < this.capacity) {
      this.queue.push(offered);
      return 'accepted';
    }
    if (this.policy === 'drop-newest') return { displaced: offered };
    const index =
      this.policy === 'drop-oldest'
        ? this.queue.findIndex(({ exempt }) => !exempt)
        : this.policy === 'conflate'
          ? this.queue.findLastIndex(
              ({ exempt, message }) => !exempt && message.key === offered.message.key,
            )
          : -1;
    if (index === -1) return 'full';
    const [displaced] = this.queue.splice(index, 1);
    this.queue.push(offered);
    return { displaced: displaced as Entry };
  }

  removeWhere(predicate: (entry: Entry) => boolean): Entry[] {
    const removed = [...this.postponed, ...this.queue].filter(predicate);
    this.postponed = this.postponed.filter((each) => !predicate(each));
    this.queue = this.queue.filter((each) => !predicate(each));
    return removed;
  }
}

const policies = ['fail', 'wait', 'drop-newest', 'drop-oldest', 'conflate'] as const;

type Op =
  | { readonly op: 'offer' | 'force'; readonly exempt: boolean; readonly key: string }
  | { readonly op: 'advance'; readonly place: number }
  | { readonly op: 'shift' | 'postpone' | 'unpostpone' | 'drain' }
  | { readonly op: 'remove'; readonly modulus: number };

/** Sequences in which offers outnumber all that makes room, so that the bound is met often. */
function sequences(keys: number, maxLength: number): fc.Arbitrary<Op[]> {
  const entries = <Name extends 'offer' | 'force'>(op: Name) =>
    fc.record({
      op: fc.constant(op),
      exempt: fc.nat(4).map((n) => n === 0),
      key: fc.nat(keys - 1).map((n) => `k${n}`),
    });
  return fc.array(
    fc.oneof<fc.WeightedArbitrary<Op>[]>(
      { weight: 60, arbitrary: entries('offer') },
      { weight: 4, arbitrary: entries('force') },
      { weight: 25, arbitrary: fc.constant({ op: 'shift' }) },
      { weight: 12, arbitrary: fc.constant({ op: 'postpone' }) },
      { weight: 4, arbitrary: fc.constant({ op: 'unpostpone' }) },
      { weight: 4, arbitrary: fc.record({ op: fc.constant('advance'), place: fc.nat(6) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          op: fc.constant('remove'),
          modulus: fc.integer({ min: 2, max: 5 }),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ op: 'drain' }) },
    ),
    { maxLength, size: 'max' },
  );
}

/** Runs the operations on both; every answer and every view must agree after each. */
function compare(mailbox: Mailbox<Entry>, model: Model, operations: readonly Op[]): void {
  const exemptIn = new Set<number>();
  const exemptOut = new Set<number>();
  const out = (entries: readonly (Entry | undefined)[]): void => {
    for (const each of entries) if (each?.exempt === true) exemptOut.add(each.message.id);
  };
  operations.forEach((operation, id) => {
    switch (operation.op) {
      case 'offer': {
        const offered = entry(id, operation);
        if (offered.exempt) exemptIn.add(id);
        const before = model.depth;
        const answer = mailbox.offer(offered);
        expect(answer).toEqual(model.offer(offered));
        if (typeof answer === 'object') expect(answer.displaced.exempt).toBe(false);
        expect(mailbox.depth).toBeLessThanOrEqual(Math.max(before, model.capacity));
        break;
      }
      case 'force': {
        const forced = entry(id, operation);
        if (forced.exempt) exemptIn.add(id);
        mailbox.force(forced);
        model.queue.push(forced);
        break;
      }
      case 'shift': {
        const shifted = mailbox.shift();
        expect(shifted).toBe(model.queue.shift());
        out([shifted]);
        break;
      }
      case 'postpone': {
        const head = mailbox.peek();
        if (head === undefined || head.exempt) break;
        expect(mailbox.shift()).toBe(model.queue.shift());
        const kept = model.postponed.length < model.capacityPostponed;
        if (kept) model.postponed.push(head);
        expect(mailbox.postpone(head)).toBe(kept);
        break;
      }
      case 'unpostpone':
        expect(mailbox.unpostpone()).toBe(model.postponed.length);
        model.queue = [...model.postponed, ...model.queue];
        model.postponed = [];
        break;
      case 'advance': {
        const advanced = model.queue[operation.place] ?? entry(id);
        const isQueued = model.queue.includes(advanced);
        expect(mailbox.advance(advanced)).toBe(isQueued);
        if (isQueued) model.queue = [advanced, ...model.queue.filter((each) => each !== advanced)];
        break;
      }
      case 'remove': {
        const predicate = ({ message }: Entry): boolean => message.id % operation.modulus === 0;
        const removed = mailbox.removeWhere(predicate);
        expect(removed).toEqual(model.removeWhere(predicate));
        out(removed);
        break;
      }
      case 'drain': {
        const drained = mailbox.drain();
        expect(ids(drained)).toEqual(ids(model.removeWhere(() => true)));
        out(drained);
        break;
      }
    }
    const oldest = [...model.postponed, ...model.queue].find(({ exempt }) => !exempt);
    expect({
      ids: ids(mailbox),
      head: mailbox.peek()?.message.id,
      depth: mailbox.depth,
      size: mailbox.size,
      postponed: mailbox.postponed,
      full: mailbox.full,
      oldestMs: mailbox.oldestMs(),
    }).toEqual({
      ids: ids([...model.postponed, ...model.queue]),
      head: model.queue[0]?.message.id,
      depth: model.depth,
      size: model.queue.length,
      postponed: model.postponed.length,
      full: model.depth >= model.capacity,
      oldestMs: oldest?.enqueuedAtMs,
    });
  });
  out(mailbox.drain());
  expect(exemptOut).toEqual(exemptIn);
}

/** So many times the usual runs. */
const RUNS = Number(process.env['TROUPE_RUNS'] ?? 1);

describe.each(policies)('a mailbox with the policy %s', (policy) => {
  const options = policy === 'conflate' ? byKey : { overflow: policy };

  it.each([
    ['a few', 6, 120, 100],
    ['many', 50, 1_200, 20],
  ])(
    'is an ordered, bounded queue that never loses what is exempt: %s',
    (_, maxCapacity, maxLength, numRuns) => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: maxCapacity }),
          fc.nat(4),
          sequences(5, maxLength),
          (capacityMessages, capacityPostponed, operations) => {
            compare(
              new Mailbox<Entry>({ ...options, capacityMessages, capacityPostponed }),
              new Model(capacityMessages, capacityPostponed, policy),
              operations,
            );
          },
        ),
        // What fails with many messages mostly fails with a few, and shrinks sooner there.
        { numRuns: Math.ceil(numRuns * RUNS), ...(maxLength > 120 && { endOnFailure: true }) },
      );
    },
    5_000 * Math.max(1, RUNS),
  );
});

function filled(
  options: MailboxOptions<Entry['message']>,
  keys: readonly string[],
): Mailbox<Entry> {
  const mailbox = new Mailbox<Entry>({ capacityMessages: keys.length, ...options });
  keys.forEach((key, id) => mailbox.offer(entry(id, { key })));
  return mailbox;
}

/** The lengths of the rings that mailboxes get in this test from now on; the first ring of each is none of them. */
function lengthsOfRings(): number[] {
  const lengths: number[] = [];
  const stubbed = new Proxy(Array, {
    apply(target, self, [length]: [number]) {
      lengths.push(length);
      return Reflect.apply(target, self, [length]);
    },
  });
  vi.stubGlobal('Array', stubbed);
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  return lengths;
}

describe('at the bound', () => {
  it('fail and wait refuse the message and change nothing', () => {
    for (const overflow of ['fail', 'wait'] as const) {
      const mailbox = filled({ overflow }, ['a', 'b']);
      expect(mailbox.policy).toBe(overflow);
      expect(mailbox.offer(entry(9))).toBe('full');
      expect(ids(mailbox)).toEqual([0, 1]);
    }
  });

  it('drop-newest gives back the message that was offered', () => {
    const mailbox = filled({ overflow: 'drop-newest' }, ['a', 'b']);
    const newest = entry(9);
    expect(mailbox.offer(newest)).toEqual({ displaced: newest });
    expect(ids(mailbox)).toEqual([0, 1]);
  });

  it('drop-oldest gives back the message that has waited longest, exempt ones passed over', () => {
    const mailbox = new Mailbox<Entry>({ capacityMessages: 2, overflow: 'drop-oldest' });
    const [exempt, oldest, younger, newest] = [
      entry(0, { exempt: true }),
      entry(1),
      entry(2),
      entry(3),
    ];
    for (const each of [exempt, oldest, younger]) mailbox.offer(each);
    expect(mailbox.offer(newest)).toEqual({ displaced: oldest });
    expect(ids(mailbox)).toEqual([0, 2, 3]);
  });

  it('conflate exchanges the newest message with the key for the new one, at the tail', () => {
    const mailbox = filled(byKey, ['a', 'b', 'a', 'c']);
    expect(mailbox.offer(entry(9, { key: 'a' }))).toMatchObject({
      displaced: { message: { id: 2 } },
    });
    expect(ids(mailbox)).toEqual([0, 1, 3, 9]);
  });

  it('conflate refuses a message with a key of its own', () => {
    const mailbox = filled(byKey, ['a', 'b']);
    expect(mailbox.offer(entry(9, { key: 'c' }))).toBe('full');
    expect(ids(mailbox)).toEqual([0, 1]);
  });

  it('conflate drops nothing below the bound', () => {
    const mailbox = new Mailbox<Entry>({ ...byKey, capacityMessages: 3 });
    for (const id of [0, 1, 2]) expect(mailbox.offer(entry(id, { key: 'a' }))).toBe('accepted');
    expect(ids(mailbox)).toEqual([0, 1, 2]);
  });

  it('conflate goes by the keys that messages had, not by what their senders made of them', () => {
    const mailbox = new Mailbox<Entry>({ ...byKey, capacityMessages: 2 });
    const message = { id: 0, key: 'a' };
    mailbox.offer({ ...entry(0), message });
    mailbox.offer(entry(1, { key: 'b' }));
    mailbox.offer(entry(2, { key: 'b' }));
    message.key = 'b';
    expect(mailbox.shift()?.message).toBe(message);
    mailbox.offer(entry(3, { key: 'c' }));
    expect(mailbox.offer(entry(4, { key: 'a' }))).toBe('full');
    expect(ids(mailbox)).toEqual([2, 3]);
  });

  it('conflate asks each message for its key once in a flood, however long it lasts', () => {
    let calls = 0;
    const conflate = ({ key }: Entry['message']): string => {
      calls += 1;
      return key;
    };
    const capacityMessages = 500;
    const mailbox = new Mailbox<Entry>({ capacityMessages, overflow: { conflate } });
    for (let id = 0; id < capacityMessages; id += 1) mailbox.offer(entry(id, { key: `${id}` }));
    expect(calls).toBe(0);
    const flood = 5_000;
    for (let id = 0; id < flood; id += 1) {
      expect(mailbox.offer(entry(id, { key: `${id % capacityMessages}` }))).toBeTypeOf('object');
      mailbox.unpostpone();
    }
    expect(calls).toBeLessThanOrEqual(capacityMessages + 2 * flood);
    expect(mailbox.depth).toBe(capacityMessages);
    while (mailbox.shift() !== undefined);
    const before = calls;
    mailbox.offer(entry(0));
    expect(calls).toBe(before);
  });

  it.each([
    ['conflate', byKey],
    ['drop-oldest', { overflow: 'drop-oldest' as const }],
  ])('%s takes bounded memory, however long a flood lasts', (_, options) => {
    const lengths = lengthsOfRings();
    const mailbox = new Mailbox<Entry>({ ...options, capacityMessages: 100 });
    // In front stands what no policy may take out, so that holes cannot leave at the head.
    mailbox.offer(entry(0, { exempt: true }));
    for (let id = 1; id < 20_000; id += 1) mailbox.offer(entry(id, { key: `${id % 100}` }));
    expect(mailbox.size).toBe(101);
    expect(Math.max(...lengths)).toBe(256);
  });

  it('conflate does not ask for keys below the bound, not when a message is moved ahead either', () => {
    const conflate = vi.fn(({ key }: Entry['message']) => key);
    const mailbox = new Mailbox<Entry>({ capacityMessages: 3, overflow: { conflate } });
    const last = entry(1);
    mailbox.offer(entry(0));
    mailbox.offer(last);
    expect(mailbox.advance(last)).toBe(true);
    expect(conflate).not.toHaveBeenCalled();
  });

  it('conflate never displaces what is exempt, not where a displaced message had stood either', () => {
    const mailbox = filled(byKey, ['a', 'b']);
    mailbox.offer(entry(2, { key: 'a' }));
    // The second exempt entry takes the slot that the first message has left, for the ring is full.
    mailbox.offer(entry(3, { exempt: true }));
    mailbox.offer(entry(4, { exempt: true }));
    mailbox.offer(entry(5, { key: 'b' }));
    // The ring grows, and what is known of its slots moves along.
    mailbox.offer(entry(6, { exempt: true }));
    expect(mailbox.offer(entry(7, { key: 'a' }))).toMatchObject({
      displaced: { message: { id: 2 } },
    });
    expect(ids(mailbox)).toEqual([3, 4, 5, 6, 7]);
  });

  it('conflate that throws leaves the mailbox as it was', () => {
    const conflate = ({ id, key }: Entry['message']): string => {
      if (id >= 8) throw new Error('no key');
      return key;
    };
    const mailbox = new Mailbox<Entry>({ capacityMessages: 2, overflow: { conflate } });
    mailbox.offer(entry(0, { key: 'a' }));
    mailbox.offer(entry(8, { key: 'b' }));
    expect(() => mailbox.offer(entry(9, { key: 'a' }))).toThrow('no key');
    expect(ids(mailbox)).toEqual([0, 8]);
    // The queued message without a key is nobody's predecessor and hurts nobody.
    expect(mailbox.offer(entry(1, { key: 'b' }))).toBe('full');
    expect(mailbox.offer(entry(2, { key: 'a' }))).toMatchObject({
      displaced: { message: { id: 0 } },
    });
  });

  it('an exempt entry and a forced one get in', () => {
    const mailbox = filled({ overflow: 'fail' }, ['a']);
    expect(mailbox.offer(entry(1, { exempt: true }))).toBe('accepted');
    mailbox.force(entry(2));
    expect(ids(mailbox)).toEqual([0, 1, 2]);
    expect(mailbox.depth).toBe(2);
  });
});

describe('postponing', () => {
  it('brings messages back in the order in which they arrived, ahead of newer ones', () => {
    const mailbox = filled({ capacityMessages: 9 }, ['a', 'b', 'c', 'd']);
    for (let count = 0; count < 2; count += 1) mailbox.postpone(mailbox.shift() as Entry);
    mailbox.shift();
    mailbox.offer(entry(9));
    expect(mailbox.unpostpone()).toBe(2);
    expect(ids(mailbox)).toEqual([0, 1, 3, 9]);
    expect(mailbox.postponed).toBe(0);
  });

  it('makes room in the queue, and may carry it over its bound when it ends', () => {
    const mailbox = filled({}, ['a', 'b']);
    mailbox.postpone(mailbox.shift() as Entry);
    expect(mailbox.full).toBe(false);
    expect(mailbox.offer(entry(2))).toBe('accepted');
    mailbox.unpostpone();
    expect(mailbox.depth).toBe(3);
    expect(mailbox.offer(entry(3))).toBe('full');
    mailbox.shift();
    expect(mailbox.offer(entry(3))).toBe('full');
    mailbox.shift();
    expect(mailbox.offer(entry(3))).toBe('accepted');
  });

  it('has a bound of its own', () => {
    const mailbox = filled({ capacityPostponed: 1 }, ['a', 'b']);
    expect(mailbox.postpone(mailbox.shift() as Entry)).toBe(true);
    expect(mailbox.postpone(mailbox.shift() as Entry)).toBe(false);
    expect(ids(mailbox)).toEqual([0]);
  });

  it('is refused for an exempt entry', () => {
    expect(() => new Mailbox<Entry>().postpone(entry(0, { exempt: true }))).toThrow(TypeError);
  });
});

function shiftAll(mailbox: Mailbox<Entry>): void {
  while (mailbox.shift() !== undefined);
}

describe('a mailbox', () => {
  it('shares nothing with another, not when both are new or empty again either', () => {
    const one = new Mailbox<Entry>();
    const other = new Mailbox<Entry>();
    for (const lap of [0, 10]) {
      one.offer(entry(lap + 1));
      other.offer(entry(lap + 2));
      expect([ids(one), ids(other)]).toEqual([[lap + 1], [lap + 2]]);
      expect([ids(one.drain()), ids(other.drain())]).toEqual([[lap + 1], [lap + 2]]);
    }
  });

  it('gives up what is postponed when nothing else waits: to removeWhere and to drain', () => {
    const mailbox = filled({}, ['a', 'b']);
    for (let count = 0; count < 2; count += 1) mailbox.postpone(mailbox.shift() as Entry);
    expect(ids(mailbox.removeWhere(({ message }) => message.id === 0))).toEqual([0]);
    expect(ids(mailbox.drain())).toEqual([1]);
    expect(mailbox.postponed).toBe(0);
  });

  it.each<
    [what: string, messages: number, empty: (mailbox: Mailbox<Entry>) => void, kept: boolean]
  >([
    ['a long ring back when the last message leaves', 1_025, shiftAll, false],
    ['no shorter ring back when the last message leaves', 1_024, shiftAll, true],
    ['any ring back when removeWhere takes all', 512, (of) => of.removeWhere(() => true), false],
    ['any ring back when it is drained', 512, (of) => of.drain(), false],
  ])('gives %s', (_, messages, empty, kept) => {
    const mailbox = new Mailbox<Entry>();
    for (let id = 0; id < messages; id += 1) mailbox.offer(entry(id));
    empty(mailbox);
    expect(mailbox.size).toBe(0);
    const lengths = lengthsOfRings();
    for (let id = 0; id < 5; id += 1) mailbox.offer(entry(id));
    expect(lengths).toEqual(kept ? [] : [8]);
  });

  it('takes no new ring for what is postponed while it has the slots, and then the next longer one', () => {
    const mailbox = new Mailbox<Entry>();
    const lengths = lengthsOfRings();
    for (let id = 0; id < 6; id += 1) mailbox.offer(entry(id));
    for (let count = 0; count < 2; count += 1) mailbox.postpone(mailbox.shift() as Entry);
    for (let id = 6; id < 8; id += 1) mailbox.offer(entry(id));
    mailbox.unpostpone();
    expect(lengths).toEqual([8]);
    for (let count = 0; count < 8; count += 1) mailbox.postpone(mailbox.shift() as Entry);
    for (let id = 8; id < 16; id += 1) mailbox.offer(entry(id));
    mailbox.unpostpone();
    expect(lengths).toEqual([8, 16]);
    expect(ids(mailbox)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  });

  it('changes nothing when the predicate of removeWhere throws', () => {
    const mailbox = filled({}, ['a', 'b', 'c']);
    const predicate = ({ message }: Entry): boolean => {
      if (message.id === 2) throw new Error('predicate');
      return true;
    };
    expect(() => mailbox.removeWhere(predicate)).toThrow('predicate');
    expect(ids(mailbox)).toEqual([0, 1, 2]);
  });

  it('keeps what waits on a restart unless told otherwise', () => {
    expect(new Mailbox().onRestart).toBe('keep');
    expect(new Mailbox({ onRestart: 'clear' }).onRestart).toBe('clear');
  });

  it('holds 4,096 messages by default and then fails', () => {
    const mailbox = new Mailbox<Entry>();
    for (let id = 0; id < 4_096; id += 1) expect(mailbox.offer(entry(id))).toBe('accepted');
    expect(mailbox.offer(entry(4_096))).toBe('full');
    for (let id = 0; id < 4_096; id += 1) expect(mailbox.shift()?.message.id).toBe(id);
    expect(mailbox.shift()).toBeUndefined();
    expect(mailbox.offer(entry(0))).toBe('accepted');
    expect([mailbox.capacityMessages, mailbox.capacityPostponed]).toEqual([4_096, 4_096]);
  });

  it.each<[string, object]>([
    ['mailbox.capacityMessages', { capacityMessages: 0 }],
    ['mailbox.capacityMessages', { capacityMessages: 1.5 }],
    ['mailbox.capacityMessages', { capacityMessages: Infinity }],
    ['mailbox.capacityMessages', { capacityMessages: '10' }],
    ['mailbox.capacityPostponed', { capacityPostponed: -1 }],
    ['mailbox.overflow', { overflow: 'drop' }],
    ['mailbox.overflow', { overflow: {} }],
    ['mailbox.overflow', { overflow: null }],
    ['mailbox.overflow', { overflow: Object.assign(() => 'k', { conflate: () => 'k' }) }],
    ['mailbox.onRestart', { onRestart: 'forget' }],
  ])('refuses a wrong %s: %j', (field, options) => {
    const create = (): unknown => new Mailbox(options);
    expect(create).toThrow(InvalidOption);
    expect(create).toThrow(expect.objectContaining({ field }));
    expect(() => checkMailbox(options)).toThrow(expect.objectContaining({ field }));
  });
});
