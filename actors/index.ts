/** The public surface of `troupe/actors`. */
export { ACTORS_LIMITS } from './limits.ts';
export type {
  AnyPerformer,
  CancelTask,
  Cancelled,
  Done,
  Failed,
  InputOf,
  Outcome,
  OutputOf,
  PartlyDone,
  Performer,
  PerformerEvent,
  PerformerLogic,
  PerformerName,
  PerformerRef,
  Step,
  Task,
  TaskReply,
  TaskRequest,
  TaskSpec,
} from './task.ts';
export { TaskFailed, failureOf } from './failure.ts';
export type {
  EffectState,
  Failure,
  FailureKind,
  FailureParts,
  FailureSite,
  ResourcesLeft,
  RetryAdvice,
} from './failure.ts';
export { fit } from './schema.ts';
export { Registry, capability, memberOf, registry } from './registry.ts';
export type { Capabilities, Capability, CapabilityNote, Worker } from './registry.ts';
export { Purse } from './purse.ts';
export { performer } from './performer.ts';
export type { Members, PerformerOptions, PerformerState, Team } from './performer.ts';
export { PartialResult } from './run.ts';
export type { PerformOptions, RetryOptions, TaskRun, Work, Worked } from './run.ts';
export type { Call, CallOptions } from './call.ts';
export { gather, join } from './join.ts';
export type { Branch, GatherOptions, Join, Slot } from './join.ts';
export { ensemble, fanIn } from './fan-in.ts';
export type { Collect, FanInOptions } from './fan-in.ts';
export { concatenate, judge, merge, rank, vote } from './aggregate.ts';
export type { Candidates, ConflictRule, Ranked, VoteOptions } from './aggregate.ts';
export { fanOut } from './fan-out.ts';
export type { FanOutBranch } from './fan-out.ts';
export { limited, limiter } from './limiter.ts';
export type { LimiterEvent, LimiterLogic, LimiterRef, Portion, ResourceLimit } from './limiter.ts';
export { Pipeline, pipeline } from './pipeline.ts';
export type { StageOptions } from './pipeline.ts';
export type { Attempt, Lease, WorkEvent } from './board.ts';
export { routedTasks, router } from './router.ts';
export type { Assembly, Decomposition, RoutedTask, RouterOptions } from './router.ts';
export { claimable, claimant, claims } from './claims.ts';
export type {
  ClaimantLogic,
  ClaimedTask,
  ClaimsEvent,
  ClaimsLogic,
  ClaimsOptions,
  ClaimsRef,
  Completed,
  Renewed,
} from './claims.ts';
export { assignmentOf, overseer } from './overseer/overseer.ts';
export type { Assignment, OverseerOptions } from './overseer/overseer.ts';
export { rung } from './overseer/ladder.ts';
export type { Escalation, Rung } from './overseer/ladder.ts';
export type { BreakerOptions } from './overseer/breaker.ts';
export type { Binding } from './planner/binding.ts';
export type { StepStatus } from './planner/execution.ts';
export type { JsonShape } from './planner/json-shape.ts';
export type { PlanRung } from './planner/ladder.ts';
export { PlanBuilder, planFor } from './planner/plan-builder.ts';
export type { Source, StepOptions } from './planner/plan-builder.ts';
export { checkPlan, planProblems } from './planner/plan-check.ts';
export type { PlanProblem } from './planner/plan-check.ts';
export { planDiff } from './planner/plan-diff.ts';
export type { PlanDiff } from './planner/plan-diff.ts';
export { planExecutor } from './planner/plan-executor.ts';
export type { PlanExecutorOptions, StepJournal } from './planner/plan-executor.ts';
export { PLAN_DIFF_SHAPE, PLAN_SHAPE } from './planner/plan-shape.ts';
export { fingerprintOf } from './planner/plan.ts';
export type { Plan, PlanStep, ReplanTriggers } from './planner/plan.ts';
export type { ReplanRequest } from './planner/replanner.ts';
export { perform } from './perform.ts';
export type { PerformRootOptions } from './perform.ts';
export { InvalidConfig, loadConfig } from './configuration/config.ts';
export type { Config, ConfigSources, ConfigSpec, FlagOf } from './configuration/config.ts';
export type { Sourced } from './configuration/layer.ts';
export { gate } from './configuration/gate.ts';
export type { Gated } from './configuration/gate.ts';
export { diffConfigs } from './configuration/diff.ts';
export type { ConfigDifference, ConfigSide } from './configuration/diff.ts';
export { Secret } from './configuration/secret.ts';
export { decide } from './guard/policy.ts';
export type {
  Decision,
  EffectClass,
  Policy,
  PolicyQuery,
  PolicyRule,
  Principal,
  Ruling,
} from './guard/policy.ts';
export { guard } from './guard/guard.ts';
export type { Audited, GuardEvent, GuardOptions } from './guard/guard.ts';
export type { Enforcement } from './guard/enforcement.ts';
export { EffectConflict, guardedAction } from './guard/guarded-action.ts';
export type {
  EffectCall,
  GuardedAction,
  GuardedActions,
  Perform,
  Verdict,
} from './guard/guarded-action.ts';
export type { Approval, ApprovalRequest, Approver } from './guard/approval.ts';
export type { AuditRecord } from './guard/audit.ts';
export { Journal, UnreadableEvent } from './journal.ts';
export type { JournalOptions } from './journal.ts';
export { MemoryJournalStore, SequenceConflict } from './journal-store.ts';
export type { JournalEntry, JournalSnapshot, JournalStore } from './journal-store.ts';
export {
  CLASSIFICATIONS,
  bare,
  checkLabel,
  labelOf,
  labelled,
  redactLabels,
  withhold,
} from './state/label.ts';
export type { Bare, Classification, Labelled } from './state/label.ts';
export { AccessDenied, COMPARTMENTS } from './state/compartment.ts';
export type { AccessRule, Compartment, CompartmentName } from './state/compartment.ts';
export { sealedStore } from './state/sealed-store.ts';
export type { Cipher } from './state/sealed-store.ts';
export { sharedState } from './state/shared-state.ts';
export type {
  Change,
  Conflict,
  Item,
  Items,
  ReadItems,
  Shape,
  ShapeOf,
  SharedStateLogic,
  SharedStateOptions,
  StateEvent,
  Written,
} from './state/shared-state.ts';
export { stateOf } from './state/state-access.ts';
export type { ResultRef, StateAccess, StateRef } from './state/state-access.ts';
export { traceRuns } from './tracing/trace-runs.ts';
export type { TraceOptions } from './tracing/trace-runs.ts';
export type { OpenTelemetry } from './tracing/open-telemetry.ts';
export { chronicle } from './tracing/chronicle.ts';
export type { Chronicle, ChronicleOptions, Story, StoryEntry } from './tracing/chronicle.ts';
export { digestOf } from './digest.ts';
export type {
  GenerateResult,
  JsonValue,
  LanguageModel,
  ModelCall,
  ModelMessage,
  ModelUsage,
  ResultPart,
  StreamPart,
  StreamResult,
  TextPart,
  ToolCallPart,
  ToolDeclaration,
  ToolResultPart,
} from './models/language-model.ts';
export { ModelHttpError, openAICompatible } from './models/openai-compatible.ts';
export type { OpenAICompatibleOptions } from './models/openai-compatible.ts';
export { ScriptError, chaos, rule, scripted } from './models/test-model.ts';
export type { ChaosOptions, ModelStep, ScriptedModel, TestModel } from './models/test-model.ts';
export { StreamCut } from './models/turn.ts';
export { modelAgent } from './models/model-agent.ts';
export type { ModelAgentOptions } from './models/model-agent.ts';
export { StreamStalled, modelCaller } from './models/model-caller.ts';
export type { ModelCallerOptions } from './models/model-caller.ts';
export { guardedTools, performerTool, tool } from './models/tool.ts';
export type { Tool, Tools } from './models/tool.ts';
export type { ModelTurn, TurnUsage, WantedCall } from './models/turn.ts';
export { window } from './models/window.ts';
export type { Window } from './models/window.ts';
export { eventBus } from './bus/bus.ts';
export type { BusMessage, BusRef, EventBusLogic, EventBusOptions, Published } from './bus/bus.ts';
export type { BusEvent, EventSpec } from './bus/event.ts';
export { publish } from './bus/publish.ts';
export { MemoryBusStore } from './bus/store.ts';
export type { BusRow, BusStore } from './bus/store.ts';
export type { DeadEvent, SubscriptionSpec } from './bus/subscription.ts';
export { takesTopic } from './bus/topic.ts';
export { once, workLog } from './work-log.ts';
export type { WorkLogEvent, WorkLogLogic, WorkLogOptions, WorkLogRef } from './work-log.ts';
export { mcpActions } from './models/mcp.ts';
export type { McpActions, McpArguments, McpClient } from './models/mcp.ts';
export { pool } from './pool.ts';
export type { PoolOptions } from './pool.ts';
export { handoff, handoffOf, isHandover } from './swarm/handoff.ts';
export type {
  Frame,
  Handoff,
  HandoffResult,
  Handover,
  HandoverParts,
  Move,
  Notes,
  UserContext,
  Waiting,
} from './swarm/handoff.ts';
export type { HistoryWindow } from './swarm/history.ts';
export type { Cycle } from './swarm/loop.ts';
export { briefing } from './swarm/briefing.ts';
export { seat } from './swarm/seat.ts';
export type {
  Committed,
  Offer,
  OfferAnswer,
  SeatEvent,
  SeatLogic,
  SeatOptions,
  SeatRef,
  SeatState,
} from './swarm/seat.ts';
export { swarm } from './swarm/swarm.ts';
export type {
  EscalatedTask,
  MemberOptions,
  Resolved,
  Seated,
  SwarmMembers,
  SwarmOptions,
} from './swarm/swarm.ts';
export { inbox } from './human.ts';
export type {
  AnswerQuestion,
  ClaimQuestion,
  Claimed,
  InboxEvent,
  InboxLogic,
  InboxRef,
  InboxState,
  ListQuestions,
  Question,
} from './human.ts';
export { handoffTool } from './swarm/handoff-tool.ts';
