/** Labels and the sealed store (R30): what is labelled passes no place that it may not, and lies nowhere in the clear. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import fc from 'fast-check';
import { fromHandler, type Report } from 'troupe';
import {
  MemoryJournalStore,
  Secret,
  bare,
  checkLabel,
  labelOf,
  labelled,
  modelAgent,
  perform,
  performer,
  redactLabels,
  scripted,
  sealedStore,
  sharedState,
  stateOf,
  tool,
  withhold,
  type Cipher,
  type Classification,
  type Task,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const order: readonly Classification[] = ['public', 'internal', 'confidential', 'secret'];
/** A tree in which each labelled text names its label. */
const tree = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(1, 'plain', null),
    fc.constantFrom(...order).map((label) => labelled(label, { text: `<${label}>` })),
    fc.constantFrom(...order).chain((label) => tie('tree').map((inner) => labelled(label, inner))),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b'), tie('tree')),
    tie('tree').map((inner) => new Map([['key', inner]])),
  ),
})).tree;
const textOf = (value: unknown) =>
  JSON.stringify(value, (_, part: unknown) => (part instanceof Map ? [...part] : part)) ?? '';

describe('a label', () => {
  it('is the highest of all that a value holds', () => {
    expect(labelOf({ a: [labelled('internal', 1), { b: labelled('confidential', 2) }] })).toBe(
      'confidential',
    );
    expect(labelOf(labelled('public', labelled('secret', 1)))).toBe('secret');
    expect(labelOf({ a: 1 })).toBe('public');
  });

  it('withholds what is above, however deep, and leaves the rest', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom(...order), (value, upTo) => {
        const kept = withhold(value, upTo);
        const text = textOf(kept);
        for (const label of order.slice(order.indexOf(upTo) + 1))
          expect(text).not.toContain(`<${label}>`);
        expect(text).not.toContain('$label');
        if (order.indexOf(labelOf(value)) <= order.indexOf(upTo)) expect(kept).toEqual(bare(value));
      }),
    );
  });

  it('that nobody knows counts as the highest', () => {
    expect(labelOf({ $label: 'confidentail', value: 1 })).toBe('secret');
    expect(() => labelled('confidentail' as never, 1)).toThrow(/allowed: public, internal/);
  });

  it('leaves handles alone, and comes off with its type', () => {
    const secret = new Secret('key', 'sk-1');
    expect(bare({ secret })).toEqual({ secret });
    expect((bare({ secret }) as { secret: unknown }).secret).toBe(secret);
    expectTypeOf(bare({ name: labelled('internal', 'Ada') })).toEqualTypeOf<{ name: string }>();
  });

  it('is compared where data goes on', () => {
    expect(() =>
      checkLabel({ a: labelled('confidential', 1) }, 'internal', 'handoff to billing'),
    ).toThrow(/handoff to billing: given confidential data, allowed: up to internal/);
    checkLabel({ a: labelled('internal', 1) }, 'internal', 'handoff to billing');
  });
});

describe('labelled data', () => {
  it('reaches no performer that is not cleared for it', async () => {
    const system = createTestSystem();
    let worked = 0;
    const clerk = performer('clerk', () => (worked += 1), { clearance: 'internal' });
    const give = (input: unknown) => system.run(perform(system, clerk, { goal: 'look', input }));
    expect(await give({ name: labelled('confidential', 'Ada') })).toMatchObject({
      failure: {
        kind: 'guardDenied',
        message: expect.stringMatching(/^task of clerk: given confidential data/),
      },
    });
    expect(worked).toBe(0);
    expect(await give({ name: labelled('internal', 'Ada') })).toMatchObject({ status: 'done' });
    await system.stop();
  });

  it('reaches no model that is not cleared for it, neither by the task nor by a tool', async () => {
    const system = createTestSystem();
    const ask = async (input: unknown, result: unknown, clearance?: Classification) => {
      const model = scripted([{ toolCalls: [{ name: 'look', input: {} }] }, 'It is Ada.']);
      const look = tool({ description: 'looks', input: z.object({}), call: () => result });
      const logic = modelAgent('clerk', {
        model,
        instructions: 'You look.',
        tools: { look },
        ...(clearance !== undefined && { clearance }),
      });
      const outcome = await system.run(perform(system, logic, { goal: 'look', input }));
      return { outcome, told: JSON.stringify(model.calls) };
    };
    const ada = labelled('confidential', 'Ada');
    const byTask = await ask({ who: ada }, 1);
    expect(byTask.outcome).toMatchObject({ failure: { kind: 'guardDenied' } });
    const byTool = await ask({}, { who: ada });
    expect(byTool.outcome).toMatchObject({ status: 'done' });
    for (const { told } of [byTask, byTool]) expect(told).not.toContain('Ada"');
    expect(byTool.told).toContain('[withheld: confidential]');
    const cleared = await ask({ who: ada }, { who: ada }, 'confidential');
    expect(cleared.told).toContain('Ada');
    expect(cleared.told).not.toContain('$label');
    await system.stop();
  });

  it('reaches no log and no report, with the hook of the system', async () => {
    const reports: Report[] = [];
    const system = createTestSystem({ redact: redactLabels('internal'), crashDetails: true });
    system.inspect((event) => {
      if (event.type === 'report') reports.push(event.report);
    });
    const ref = system.spawn(
      fromHandler({
        receive(_, event: { type: 'note'; who: unknown }, ctx) {
          ctx.report({ level: 'info', label: 'noted', fields: { event } });
          throw new Error('no');
        },
      }),
    );
    ref.send({ type: 'note', who: labelled('secret', 'Ada') });
    await system.settle();
    const text = JSON.stringify(reports);
    expect(text).toContain('[withheld: secret]');
    expect(text).not.toContain('Ada');
    await system.stop();
  });
});

describe('a sealed store', () => {
  const key = Buffer.alloc(32, 7);
  let ivs = 0;
  const aesGcm: Cipher = {
    seal(plain, place) {
      const iv = Buffer.alloc(12);
      iv.writeUInt32BE((ivs += 1));
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(place));
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
    },
    open(sealed, place) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
      decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(12, 28));
      return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
    },
  };

  it('has nothing in the clear, and gives the same state to a new life', async () => {
    const memory = new MemoryJournalStore();
    const store = sealedStore(memory, aesGcm);
    const play = async (seed: number, names: readonly string[]) => {
      const system = createTestSystem({ seed });
      const state = system.spawn(sharedState('s', { store, snapshotEvery: 2 }));
      const clerk = performer('clerk', function* (_: Task<null>, run) {
        const access = stateOf(run, state);
        for (const name of names)
          yield* access.update('user', name, () => `${name} Lovelace`, { subject: name });
        return Object.keys((yield* access.read('user')).items);
      });
      const outcome = await system.run(perform(system, clerk, { goal: 'note', input: null }));
      const erased = await system.run(state.ask({ type: 'erase', subject: 'Ada' }));
      await system.stop();
      return { outcome, erased };
    };
    expect(await play(1, ['Bob', 'Ada', 'Cyd'])).toMatchObject({
      outcome: { output: ['Bob', 'Ada', 'Cyd'] },
      erased: { events: 1 },
    });
    const bytes = Buffer.concat(
      [...memory.read('s', 0).map(({ event }) => event), memory.loadSnapshot('s')?.state ?? ''].map(
        (part) => Buffer.from(part as Uint8Array),
      ),
    );
    expect(bytes.toString('latin1')).not.toMatch(/Bob|Ada|Cyd|Lovelace/);
    expect(await play(2, ['Dan'])).toMatchObject({ outcome: { output: ['Bob', 'Cyd', 'Dan'] } });
  });

  it('refuses an entry that stands in the place of another', () => {
    const memory = new MemoryJournalStore();
    const store = sealedStore(memory, aesGcm);
    void store.append('s', 0, [
      { seq: 1, version: 1, event: 'one' },
      { seq: 2, version: 1, event: 'two' },
    ]);
    const [one] = memory.read('s', 0);
    memory.redact('s', [{ ...one!, seq: 2 }]);
    expect(() => store.read('s', 0)).toThrow(/authenticate/);
  });
});
