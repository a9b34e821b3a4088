/**
 * The names in a trace: OpenTelemetry's for generative AI, which are still in development, and ours
 * for what they have no name for. All of them stand here.
 */

/** Names of operations; each begins the name of its span. */
export const OPERATION = {
  workflow: 'invoke_workflow',
  agent: 'invoke_agent',
  chat: 'chat',
  tool: 'execute_tool',
  /** Ours: where the results of several branches are put together; it links to all of them. */
  join: 'join',
} as const;
export type OperationName = (typeof OPERATION)[keyof typeof OPERATION];

/** Attributes by the conventions for generative AI. */
export const GEN_AI = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  workflow: 'gen_ai.workflow.name',
  agentName: 'gen_ai.agent.name',
  agentId: 'gen_ai.agent.id',
  conversation: 'gen_ai.conversation.id',
  requestModel: 'gen_ai.request.model',
  maxTokens: 'gen_ai.request.max_tokens',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  tool: 'gen_ai.tool.name',
  toolCall: 'gen_ai.tool.call.id',
  errorType: 'error.type',
} as const;

/** What older back ends look for; everything else has kept its name. */
const BEFORE_1_37: Readonly<Record<string, string>> = { [GEN_AI.provider]: 'gen_ai.system' };

/** Attributes and events of ours. */
export const TROUPE = {
  task: 'troupe.task.id',
  attempt: 'troupe.task.attempt',
  hops: 'troupe.hop.count',
  hopsLeft: 'troupe.hop.budget',
  chain: 'troupe.chain',
  /** With the name of the amount after it, as in `troupe.budget.tokens`. */
  budget: 'troupe.budget.',
  spent: 'troupe.spent.',
  outcome: 'troupe.outcome',
  missing: 'troupe.missing',
  replans: 'troupe.replan.count',
  restarts: 'troupe.supervisor.restart.count',
  guardDecision: 'troupe.guard.decision',
  /** Only with `content: true`. */
  goal: 'troupe.task.goal',
  input: 'troupe.task.input',
  output: 'troupe.task.output',
} as const;

/** Names of events in spans. */
export const EVENT = {
  decision: 'troupe.decision',
  progress: 'troupe.progress',
  guard: 'troupe.guard.decision',
  restart: 'troupe.supervisor.restart',
  deadlock: 'troupe.deadlock',
} as const;

export type Attributes = Record<string, string | number | boolean | string[]>;

/** Which conventions are spoken: what OpenTelemetry's switch says, of which the newest is the default here. */
export type Conventions = 'gen_ai_latest_experimental' | 'gen_ai_before_1_37';

/** Attributes under the names of the conventions that are spoken. */
export function named(attributes: Attributes, conventions: Conventions): Attributes {
  if (conventions === 'gen_ai_latest_experimental') return attributes;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [BEFORE_1_37[name] ?? name, value]),
  );
}
