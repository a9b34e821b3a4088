/**
 * The simulation of a system of agents: schedules are explored, and what goes wrong is explained.
 */
export { assert, choose, chooseFairly, done, progress, task } from './ambient.ts';
export type { Case, Constraint, Lap } from './case.ts';
export { UnmodelledEffect, emits, fail, fairly, hang, ok } from './effects.ts';
export type {
  EffectModel,
  EffectModels,
  EffectOutcome,
  EffectRequest,
  FairOutcomes,
} from './effects.ts';
export { explain, stepByStep, type ExplainOptions, type Told } from './explain.ts';
export { explore, type CheckOptions, type Progress } from './explore.ts';
export type { SequentialModel } from './linearizable.ts';
export { Trial, TrialFailed, cases, holds } from './property.ts';
export type { Coverage, Failure, Minimal, Report } from './report.ts';
export type { Choice, Step } from './step.ts';
export {
  reproduction,
  type Entrance,
  type KnownEffect,
  type ReproductionOptions,
} from './reproduction.ts';
export { reproductionOf, writeReproduction, type TeamSource } from './reproduction-file.ts';
export {
  requires,
  type Faults,
  type NodeStage,
  type OrderRule,
  type Scenario,
  type Stage,
} from './scenario.ts';
export type { Move } from './schedule.ts';
export { markdownOf, sequenceDiagram, waitForGraph } from './sequence-diagram.ts';
export {
  isMachine,
  mermaidGraph,
  scenarioGraph,
  staticGraph,
  type StaticAgent,
  type StaticGraph,
  type StaticLink,
  type StaticNode,
  type StaticWarning,
} from './static-graph.ts';
export type { StrategyName } from './strategies/portfolio.ts';
export { Nondeterminism } from './traps.ts';
export { svgOf } from './svg.ts';
export {
  BadToken,
  decodeSeed,
  decodeToken,
  replayToken,
  seedToken,
  type Decoded,
  type Replayed,
} from './token.ts';
export { storeBeside } from './store.ts';
export { SimulationFailed, verify } from './verify.ts';
export type { Verdict, Violation } from './violation.ts';
export type { RootAsk, World } from './world.ts';
