/** The targets of the project, as ratios within one run. */
import type { Result } from './results.ts';
import { digits } from './table.ts';

/** A target: at least so many times the throughput of another, or at most an amount. */
type Target =
  | {
      readonly workload: string;
      readonly ours: string;
      readonly theirs: string;
      readonly atLeast: number;
      readonly goal?: number;
    }
  | {
      readonly workload: string;
      readonly ours: string;
      readonly atMost: number;
      readonly goal?: number;
    };

const TARGETS: readonly Target[] = [
  { workload: 'pingpong', ours: 'troupe', theirs: 'erlang', atLeast: 2.2, goal: 4 },
  { workload: 'pingpong', ours: 'troupe', theirs: 'erlang-gen_server', atLeast: 3.3 },
  { workload: 'pingpong', ours: 'troupe', theirs: 'nact', atLeast: 20 },
  { workload: 'pingpong', ours: 'troupe', theirs: 'xstate', atLeast: 5 },
  { workload: 'threadring', ours: 'troupe', theirs: 'erlang', atLeast: 1.25, goal: 1.8 },
  { workload: 'counting', ours: 'troupe', theirs: 'erlang', atLeast: 0.4, goal: 0.6 },
  { workload: 'forkjoin-throughput', ours: 'troupe', theirs: 'erlang', atLeast: 0.45, goal: 0.8 },
  {
    workload: 'forkjoin-create',
    ours: 'troupe',
    theirs: 'erlang-supervised',
    atLeast: 2,
    goal: 3,
  },
  { workload: 'big', ours: 'troupe', theirs: 'erlang', atLeast: 1.4, goal: 2 },
  { workload: 'ask', ours: 'troupe', theirs: 'erlang-gen_server', atLeast: 2.5, goal: 3.2 },
  { workload: 'restart', ours: 'troupe', theirs: 'erlang-supervised', atLeast: 0.9, goal: 1.2 },
  { workload: 'bounded-buffer', ours: 'troupe', theirs: 'erlang', atLeast: 1.2, goal: 1.6 },
  // With XState machines as agents: the first target is that what we add costs nothing on top.
  ...['pingpong', 'threadring', 'counting', 'forkjoin-throughput', 'forkjoin-create', 'big', 'ask']
    .concat('bounded-buffer', 'restart')
    .map((workload) => ({
      workload,
      ours: 'troupe-machine',
      theirs: 'xstate-machine',
      atLeast: 1,
      goal: 20,
    })),
  { workload: 'patterns-loop', ours: 'troupe', theirs: 'langgraph', atLeast: 50, goal: 200 },
  { workload: 'patterns-fan-in', ours: 'troupe', theirs: 'langgraph', atLeast: 10, goal: 50 },
  {
    workload: 'patterns-handoff',
    ours: 'troupe',
    theirs: 'openai-agents',
    atLeast: 50,
    goal: 200,
  },
  { workload: 'link-oneway', ours: 'troupe', theirs: 'raw-ws', atLeast: 0.5, goal: 0.7 },
  { workload: 'link-oneway', ours: 'troupe', theirs: 'erlang', atLeast: 1.5, goal: 2.5 },
  { workload: 'link-fanout', ours: 'troupe', theirs: 'raw-ws', atLeast: 0.5, goal: 0.7 },
  { workload: 'link-rtt', ours: 'troupe', theirs: 'raw-ws-frames', atLeast: 0.5, goal: 0.77 },
  { workload: 'link-ask', ours: 'troupe', theirs: 'raw-ws', atLeast: 0.5, goal: 0.7 },
  { workload: 'idle-memory', ours: 'troupe', atMost: 2_100, goal: 600 },
  { workload: 'idle-memory', ours: 'troupe-machine', atMost: 2_800, goal: 1_000 },
  { workload: 'loop-delay', ours: 'troupe', atMost: 20, goal: 10 },
];

export interface Verdict {
  readonly workload: string;
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly goal: string;
  readonly outcome: 'goal met' | 'met' | 'missed';
}

/** Judges each target for which there are results. */
export function judge(results: readonly Result[]): Verdict[] {
  const find = (workload: string, contender: string): Result | undefined =>
    results.find((result) => result.workload === workload && result.contender === contender);
  const verdicts: Verdict[] = [];
  for (const target of TARGETS) {
    const { workload, ours: name, goal } = target;
    const ours = find(workload, name);
    if (ours === undefined) continue;
    if ('theirs' in target) {
      const theirs = find(workload, target.theirs);
      if (theirs === undefined) continue;
      const ratio = ours.median / theirs.median;
      verdicts.push({
        workload,
        what: `${name} / ${target.theirs}`,
        measured: digits(ratio),
        target: `>= ${target.atLeast}`,
        goal: goal === undefined ? '' : `>= ${goal}`,
        outcome: outcome(ratio >= target.atLeast, goal !== undefined && ratio >= goal),
      });
    } else {
      verdicts.push({
        workload,
        what: `${name} (${ours.unit})`,
        measured: digits(ours.median),
        target: `<= ${target.atMost}`,
        goal: goal === undefined ? '' : `<= ${goal}`,
        outcome: outcome(ours.median <= target.atMost, goal !== undefined && ours.median <= goal),
      });
    }
  }
  return verdicts;
}

function outcome(met: boolean, goalMet: boolean): Verdict['outcome'] {
  if (!met) return 'missed';
  return goalMet ? 'goal met' : 'met';
}
