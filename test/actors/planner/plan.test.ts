import {
  capability,
  checkPlan,
  fingerprintOf,
  performer,
  planFor,
  planProblems,
  registry,
  type Plan,
  type Task,
} from 'troupe/actors';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const finder = performer('finder', ({ input }: Task<{ topic: string }>) => ({
  notes: input.topic,
}));
const writer = performer(
  'writer',
  ({ input }: Task<{ notes: string; tone: string }>) => input.notes,
);
const skills = registry({
  find: capability({
    description: 'finds out',
    input: z.object({ topic: z.string() }),
    workers: { ada: { performer: finder } },
  }),
  write: capability({
    description: 'writes',
    input: z.object({ notes: z.string(), tone: z.string() }),
    workers: { bob: { performer: writer } },
  }),
});

const good = planFor<{ topic: string }>()(skills)
  .step('facts', 'find', (from) => from.fields({ topic: from.task('topic') }))
  .step('text', 'write', (from) =>
    from.fields({ notes: from.step('facts', 'notes'), tone: from.literal('dry') }),
  )
  .build();

const wrong = (change: (steps: Record<string, unknown>[]) => void): readonly string[] => {
  const plan = JSON.parse(JSON.stringify(good)) as { steps: Record<string, unknown>[] };
  change(plan.steps);
  return planProblems(plan, skills).map(({ kind, message }) => `${kind}: ${message}`);
};

describe('a plan', () => {
  it('is the same, typed and as JSON', () => {
    const json: unknown = JSON.parse(JSON.stringify(good));
    expect(checkPlan(json, skills)).toEqual(good);
    expect(fingerprintOf(json as Plan)).toBe(fingerprintOf(good));
  });

  it('that needs itself is refused with the way round', () => {
    expect(wrong((steps) => (steps[0]!['needs'] = ['text']))).toEqual([
      'cycle: step "facts": it needs itself: facts -> text -> facts',
    ]);
  });

  it('of a capability that nobody has is refused, with those that there are', () => {
    expect(wrong((steps) => (steps[1]!['capability'] = 'sing'))).toEqual([
      'unknownCapability: step "text": there is no capability "sing"; there are: find, write',
    ]);
    expect(() => checkPlan({ steps: [{ id: 'a', capability: 'sing' }] }, skills)).toThrow(
      expect.objectContaining({ parts: expect.objectContaining({ kind: 'capabilityMissing' }) }),
    );
  });

  it('that needs a step that is not there is refused', () => {
    expect(wrong((steps) => (steps[1]!['needs'] = ['proof']))).toEqual([
      'missingDependency: step "text": it needs "proof"; there are: facts, text',
    ]);
  });

  it('with two steps of one id is refused', () => {
    expect(wrong((steps) => (steps[1] = { ...steps[0] }))).toEqual([
      'duplicateId: step "facts": its id is taken',
    ]);
  });

  it('that leaves an input unbound is refused, with the input', () => {
    expect(wrong((steps) => delete steps[0]!['input'])[0]).toContain(
      'unboundInput: step "facts": no input is bound',
    );
    const tone = { from: 'fields', fields: { tone: { from: 'literal', value: 'dry' } } };
    expect(wrong((steps) => (steps[1]!['input'] = tone))).toEqual([
      'unboundInput: step "text": "notes", which write needs, is not bound',
    ]);
    expect(planProblems(good, skills, { input: { subject: 'otters' } })).toMatchObject([
      { kind: 'unboundInput', step: 'facts', message: expect.stringContaining('no "topic"') },
    ]);
  });

  it('that says a value that does not fit is refused before anything is done', () => {
    const input = { from: 'literal', value: { topic: 7 } };
    expect(wrong((steps) => (steps[0]!['input'] = input))[0]).toContain('step "facts"');
  });

  it('that is no plan is refused, with the place', () => {
    expect(planProblems('plan', skills)[0]?.message).toBe('the plan: allowed: object');
    expect(wrong((steps) => (steps[1]!['input'] = { from: 'moon' }))[0]).toContain(
      'step "text": input.from: allowed: "literal"',
    );
    expect(wrong((steps) => (steps[0]!['retries'] = 3))[0]).toContain(
      'shape: step "facts": retries: unknown',
    );
    expect(wrong((steps) => (steps[0]!['accept'] = { pattern: 'x' }))[0]).toContain(
      'step "facts": accept.pattern: unknown',
    );
    expect(wrong((steps) => steps.splice(0, 2))).toEqual([
      'shape: steps: allowed: at least 1 items',
    ]);
  });

  it('has the fingerprint of what it does, not of what its steps are called', () => {
    const renamed = JSON.parse(JSON.stringify(good).replaceAll('"facts"', '"a"')) as Plan;
    expect(fingerprintOf(renamed)).toBe(fingerprintOf(good));
    const other = JSON.parse(JSON.stringify(good).replace('dry', 'warm')) as Plan;
    expect(fingerprintOf(other)).not.toBe(fingerprintOf(good));
  });
});
