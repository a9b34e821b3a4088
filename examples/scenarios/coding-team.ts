// The team of E5: a planner, a researcher, and a workshop in which a coder and a reviewer go round
// until the reviewer is content, three times at most; then the tests are run.

import {
  TaskFailed,
  capability,
  performer,
  planExecutor,
  registry,
  type Performer,
  type PlanDiff,
  type PlanStep,
  type ReplanRequest,
  type Task,
} from 'troupe/actors';

export interface Brief {
  readonly what: string;
  readonly facts: string;
  readonly approach: string;
  readonly remark?: string;
}
export interface Team {
  readonly planner: Performer<ReplanRequest, PlanDiff>;
  readonly researcher: Performer<string, string>;
  readonly coder: Performer<Brief, string>;
  /** `fine`, or a remark. */
  readonly reviewer: Performer<string, string>;
}

/** What the code must be able to do. */
const tests = { 'Hello World': 'toLowerCase', 'Crème Brûlée': 'normalize' };

function workshop({ coder, reviewer }: Team, roundsMax: number, say: (text: string) => void) {
  return performer(
    'workshop',
    function* ({ input }: Task<Brief>, run) {
      let brief = input;
      for (let round = 1; round <= roundsMax; round += 1) {
        const code = run.need(yield* run.perform(run.team.coder, { input: brief }), 'the coder');
        const remark = run.need(
          yield* run.perform(run.team.reviewer, { input: code }),
          'the reviewer',
        );
        if (round <= 3 || round % 20 === 0) say(`round ${round}: ${code} | reviewer: ${remark}`);
        if (remark === 'fine') return tested(code);
        brief = { ...input, remark };
      }
      const message = `the reviewer was not content after ${roundsMax} rounds`;
      const retry = { retryable: false, sameInputWillFail: true };
      throw new TaskFailed({ kind: 'loopDetected', message, effect: 'none', retry });
    },
    { team: { coder, reviewer } },
  );
}

function tested(code: string): string {
  const failed = Object.entries(tests).flatMap(([title, word]) =>
    code.includes(word) ? [] : [title],
  );
  if (failed.length === 0) return code;
  throw new TaskFailed({
    kind: 'toolError',
    code: 'TESTS_FAILED',
    message: `tests failed: ${failed.join(', ')}`,
    effect: 'none',
    partial: code,
    invalidatedAssumptions: ['titles are plain ASCII'],
    retry: { retryable: false, sameInputWillFail: true },
  });
}

/** Works by the plans of its planner. */
export function team(
  members: Team,
  roundsMax: number,
  say: (text: string) => void = () => undefined,
) {
  const skills = registry({
    research: capability({
      description: 'finds out what is known',
      workers: { researcher: { performer: members.researcher } },
    }),
    code: capability({
      description: 'writes code that a reviewer and the tests accept',
      workers: { workshop: { performer: workshop(members, roundsMax, say) } },
    }),
  });
  return planExecutor<{ what: string }>('team', { registry: skills, planner: members.planner });
}

const step = (id: string, approach: string): PlanStep => ({
  id,
  capability: 'code',
  input: {
    from: 'fields',
    fields: {
      what: { from: 'task', path: 'what' },
      facts: { from: 'step', step: 'facts' },
      approach: { from: 'literal', value: approach },
    },
  },
  needs: ['titles'],
});
const research = (id: string, question: string): PlanStep => ({
  id,
  capability: 'research',
  input: { from: 'literal', value: question },
});
export const first: PlanDiff = {
  reason: 'first the facts, then the code',
  add: [
    research('facts', 'What is a slug?'),
    research('titles', 'Which titles are there?'),
    step('code', 'one regular expression'),
  ],
};
export const again: PlanDiff = {
  reason: 'once more',
  cancel: ['code'],
  add: [step('code-2', 'one regular expression')],
};
export const moreOfTheSame: PlanDiff = {
  ...again,
  add: [...again.add!, research('luck', 'Does it work now?')],
};
export const otherwise: PlanDiff = {
  reason: 'fold the accents first',
  replace: [step('code', 'normalize first')],
};
