import { describe, expect, it } from 'vitest';
import { isReported, shouldRestart, stoppedWell, type ExitReason, type Restart } from 'troupe';

const REASONS = {
  normal: { type: 'normal' },
  shutdown: { type: 'shutdown' },
  detail: { type: 'shutdown', detail: 'test' },
  killed: { type: 'killed' },
  noproc: { type: 'noproc' },
  noconnection: { type: 'noconnection' },
  crash: { type: 'crash', error: new Error('boom') },
} as const satisfies Record<string, ExitReason>;
type Reason = keyof typeof REASONS;

/** One row of a table: which reasons mean yes. */
type Row = readonly [restart: Restart, yes: readonly Reason[]];

const ABNORMAL: readonly Reason[] = ['killed', 'noproc', 'noconnection', 'crash'];
const ALL: readonly Reason[] = ['normal', 'shutdown', 'detail', ...ABNORMAL];

const holds = (yes: readonly Reason[], asked: (reason: ExitReason) => boolean): void => {
  for (const reason of ALL)
    expect([reason, asked(REASONS[reason])]).toEqual([reason, yes.includes(reason)]);
};

describe('restart policy', () => {
  it.each<Row>([
    ['permanent', ALL],
    ['transient', ABNORMAL],
    ['temporary', []],
  ])('a %s child is started again after: %s', (restart, yes) => {
    holds(yes, (reason) => shouldRestart(restart, reason));
  });

  it.each<Row>([
    ['permanent', ALL],
    ['transient', ABNORMAL],
    ['temporary', ABNORMAL],
  ])('the own end of a %s child is reported after: %s', (restart, yes) => {
    holds(yes, (reason) => isReported(restart, reason));
  });

  it.each<Row>([
    ['permanent', ['shutdown']],
    ['transient', ['normal', 'shutdown', 'detail']],
    ['temporary', ['normal', 'shutdown', 'detail']],
  ])('a %s child with a grace stopped well with: %s', (restart, yes) => {
    holds(yes, (reason) => stoppedWell(restart, 5_000, reason));
    holds(yes, (reason) => stoppedWell(restart, 'infinity', reason));
  });

  it.each<Row>([
    ['permanent', ['killed']],
    ['transient', ['normal', 'shutdown', 'detail', 'killed']],
    ['temporary', ['normal', 'shutdown', 'detail', 'killed']],
  ])('a %s child under brutal_kill stopped well with: %s', (restart, yes) => {
    holds(yes, (reason) => stoppedWell(restart, 'brutal_kill', reason));
  });
});
