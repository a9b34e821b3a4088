/**
 * Tools of an MCP server, as guarded actions: each use is decided by a guard before the server sees
 * it. The client is taken by its shape, so that any version of the protocol's SDK will do.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { TaskFailed } from '../failure.ts';
import { guardedAction, type GuardedAction } from '../guard/guarded-action.ts';

/** The part of an MCP client that is used. */
export interface McpClient {
  listTools(params?: { cursor?: string }): PromiseLike<{
    readonly tools: readonly {
      readonly name: string;
      readonly description?: string | undefined;
      readonly inputSchema: object;
    }[];
    readonly nextCursor?: string | undefined;
  }>;
  callTool(
    params: { name: string; arguments: Record<string, unknown>; _meta?: Record<string, unknown> },
    resultSchema?: undefined,
    options?: { signal?: AbortSignal },
  ): PromiseLike<unknown>;
}

/** The arguments of one tool, as its server describes them. */
export type McpArguments = Record<string, unknown>;

/** The tools of one server: actions for a guard, and what to tell models of them. */
export interface McpActions {
  readonly actions: Readonly<Record<string, GuardedAction<unknown, McpArguments, unknown>>>;
  readonly descriptions: Readonly<Record<string, string>>;
}

interface CallResult {
  readonly content?: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly resultType?: string;
}

/**
 * Lists the tools of an MCP server as actions of the class `external`: a policy without a rule for
 * them denies them, or escalates with `otherwise: 'escalate'`. What a server says of its own tools,
 * such as that one only reads, is not believed. Rejects with what the client rejects with.
 *
 * @example
 * ```ts
 * import { guard, guardedTools, mcpActions, type McpClient } from 'troupe/actors';
 *
 * async function toolsOf(client: McpClient) {
 *   const { actions, descriptions } = await mcpActions(client);
 *   const policy = { version: '1', rules: [], otherwise: 'escalate' as const };
 *   const desk = createSystem().spawn(guard({ state: undefined as unknown, actions, policy }));
 *   return guardedTools(desk, actions, descriptions);
 * }
 * ```
 */
export async function mcpActions(client: McpClient): Promise<McpActions> {
  const actions: Record<string, GuardedAction<unknown, McpArguments, unknown>> = {};
  const descriptions: Record<string, string> = {};
  let cursor: string | undefined;
  do {
    const page = await client.listTools(cursor === undefined ? {} : { cursor });
    for (const { name, description = name, inputSchema } of page.tools) {
      actions[name] = actionOf(client, name, inputSchema);
      descriptions[name] = description;
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return { actions, descriptions };
}

function actionOf(
  client: McpClient,
  name: string,
  inputSchema: object,
): GuardedAction<unknown, McpArguments, unknown> {
  return guardedAction({
    effectClass: 'external',
    args: argumentsOf(inputSchema),
    async effect(args: McpArguments, { idempotencyKey, signal }) {
      const _meta = { 'troupe/idempotencyKey': idempotencyKey };
      const called = await client.callTool({ name, arguments: args, _meta }, undefined, { signal });
      return resultOf(name, called as CallResult);
    },
  });
}

function resultOf(
  name: string,
  { content = [], structuredContent, ...result }: CallResult,
): unknown {
  const text = content.map((part) => part.text ?? `(${part.type})`).join('\n');
  if (result.resultType === 'input_required') {
    const message = `${name} wants to be told more by a person: ${text}`;
    throw new TaskFailed({ kind: 'blockedExternally', message, effect: 'none' });
  }
  if (result.isError === true)
    throw new TaskFailed({ kind: 'toolError', message: `${name}: ${text}` });
  return structuredContent ?? text;
}

/** An object; more only the server can check. To models it is what the server said. */
function argumentsOf(
  schema: object,
): StandardSchemaV1<unknown, McpArguments> & StandardJSONSchemaV1<unknown, McpArguments> {
  const said = (): Record<string, unknown> => ({ ...schema });
  return {
    '~standard': {
      version: 1,
      vendor: 'mcp',
      validate: (value) =>
        typeof value === 'object' && value !== null && !Array.isArray(value)
          ? { value: value as McpArguments }
          : { issues: [{ message: 'expected an object' }] },
      jsonSchema: { input: said, output: said },
    },
  };
}
