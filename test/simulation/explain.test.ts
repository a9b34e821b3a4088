import { describe, expect, it } from 'vitest';
import { fromHandler, type Ref } from 'troupe';
import { explain, explore, type Case, type Report } from 'troupe/simulation';
import { deadlock, reports, shrunk } from './failures.ts';

const lines = (report: Report<undefined>): string[] => explain(report).split('\n');

describe('an explanation', () => {
  it('says in the headline what failed, after how much, and which scenario it was', () => {
    const [first, second] = lines(reports.overtaking());
    expect(first).toMatch(/^ORDER after \d+ steps {4}\[init before use\]$/);
    expect(second).toBe('   C handles "use" before "init"');
  });

  it('says why, as what must differ from the plainest order', () => {
    const text = explain(reports.overtaking());
    expect(text).toContain('it passes when what was sent first is handled first, and fails if');
    expect(text).toContain('(1) C handles `use` (from B) BEFORE `init` (from A)');
  });

  it('says each fault and each choice in words', () => {
    const text = explain(
      shrunk(explore(deadlock), {
        constraints: [
          { before: 'timer A#2', after: 'B>A:reply q#1' },
          { before: 'B>C:use#3', after: 'env>D:go#1' },
          { before: 'effect desk/triage/llm#1', after: 'A>desk/triage:stop#1' },
        ],
        faults: [
          'partition #1',
          'late effect desk/triage/llm#2',
          'crash C1>A:go#1',
          'drop A>B:q#1',
          'crash waiting W@2',
        ],
      }),
    );
    expect(text).toContain(
      'desk/triage gets the outcome of `llm` BEFORE it handles `stop` (from A)',
    );
    expect(text).toContain('the network is parted');
    expect(text).toContain('`llm` (the 2nd) of desk/triage goes on after it was given up');
    expect(text).toContain(
      'A is woken by its timer (the 2nd) BEFORE it gets the answer to `q` (from B)',
    );
    expect(text).toContain('C handles `use` (the 3rd from B) BEFORE D handles `go` (from outside)');
    expect(text).toContain('A crashes on `go` from C1');
    expect(text).toContain('`q` from A to B is lost');
    expect(text).toContain('W crashes while it waits (life 2)');
  });

  it('says that a choice is made the same way every time', () => {
    const report = shrunk(explore(deadlock), {
      choices: { 'choose desk/triage/llm#*': 1, 'choose triage:route#1': 2 },
    });
    expect(explain(report)).toContain(
      '(1) the choice `desk/triage/llm` (every time) falls on option 2',
    );
    expect(explain(report)).toContain('(2) the choice `route` of triage falls on option 3');
  });

  it('says that it takes other turns than the plainest order, where that is all it takes', () => {
    const change = { constraints: [], faults: [], choices: {} };
    const report = (turns: Pick<Case, 'fairSoon' | 'fairOrder' | 'lap'>): string =>
      explain(shrunk(explore(deadlock), { ...change, ...turns }));
    expect(report({})).toContain('it fails in the plainest order');
    expect(report({ fairSoon: true })).toMatch(/fails if\n.*take turns from then on/);
    expect(report({ lap: { keys: [], from: 0 } })).toMatch(/fails if\n.*as in the loop below/);
    expect(report({ fairOrder: 7 })).toMatch(/fails if\n.*in another fair order \(7\)/);
  });

  it('leaves out what has no part in it, and says how much that is', () => {
    const text = explain(reports.overtaking());
    expect(text).toMatch(/what happens \(3 of \d+ steps; the rest has no part in it\):/);
    expect(text).not.toContain('N1');
    expect(text).toMatch(/B → C +use +\(1\) overtakes `init` from A, which is still on its way/);
  });

  it('says who had the request, and draws who waits for whom', () => {
    const text = explain(reports.deadlock());
    expect(text).toContain('`q`: A asks in step 1 → waits in the mailbox of B');
    expect(text).toContain('   A ──q──▶ B ──q──▶ A');
    expect(explain(reports.stuck())).toContain('desk takes it in step 1, and owes the answer');
  });

  it('shows the first lap of a loop, however late the loop was proved', () => {
    const report = reports.handoff();
    expect(report.failure?.violation.loopFrom).toBeGreaterThan(10);
    const text = explain(report);
    expect(text).toMatch(/^HANDOFF_LOOP after 1 step, in a loop of 2 steps/);
    expect(text).toMatch(
      /and then for ever:\n +2 {2}triage → billing {2}task\n +3 {2}billing → triage/,
    );
  });

  it('ends with the command that shows it again, if there is one', () => {
    const report = reports.overtaking();
    const token = report.failure?.minimal?.token ?? '';
    expect(token).toMatch(/^tr1\./);
    expect(lines(report).at(-1)).toBe(`   npx troupe replay ${token}`);
    expect(explain(report, { replay: false })).not.toContain('replay');
    const replay = (text: string) => `TROUPE_REPLAY=${text} npx vitest`;
    expect(explain(report, { replay })).toContain(`TROUPE_REPLAY=${token} npx vitest`);
  });

  it('keeps within its lines, and leaves out the middle of what happens first', () => {
    const report = reports.overtaking();
    const failure = report.failure!;
    const [step] = failure.minimal!.steps;
    const steps = Array.from({ length: 300 }, (_, index) => ({
      ...step!,
      agent: 'N1',
      id: `N2>N1:pong#${index}`,
      cause: index - 1,
    }));
    const minimal = { ...failure.minimal!, steps };
    const text = explain({ ...report, failure: { ...failure, minimal } });
    expect(text.split('\n').length).toBeLessThanOrEqual(40);
    expect(text).toMatch(/… \d+ more lines/);
    expect(text).toContain('npx troupe replay');
    expect(
      explain({ ...report, failure: { ...failure, minimal } }, { linesMax: 20 }).split('\n').length,
    ).toBeLessThanOrEqual(20);
  });

  it('calls a run that does not repeat by its name, and says where to look', () => {
    let calls = 0;
    const report = explore({
      name: 'by chance',
      setup({ spawn, send }) {
        calls += 1;
        const agent = spawn(fromHandler({ receive: () => undefined }), { id: 'A' });
        send(agent as Ref<{ type: string }>, { type: `go ${calls}` });
      },
      invariant: { never: () => false },
    });
    expect(report.verdict).toBe('NONDETERMINISTIC');
    expect(explain(report)).toMatch(/why: .*outside of the simulation/);
  });

  it('of a clean report says what was tried, and does not call a sample a proof', () => {
    const clean = { ...reports.stuck(), failure: undefined, states: 23, schedules: 500 };
    expect(explain({ ...clean, verdict: 'PROVED' })).toBe(
      'PROVED forgotten: every order of events was tried (23 states), and none fails',
    );
    expect(explain({ ...clean, verdict: 'PASS' })).toBe(
      'PASS forgotten: 500 schedules tried, and none fails; that is no proof',
    );
  });
});
