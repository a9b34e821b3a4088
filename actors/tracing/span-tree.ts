/**
 * A span in the tree of its run: it ends no earlier than all that was begun in it, so that a trace
 * never shows work outside of what it is done for.
 */
import { KIND, STATUS_ERROR, traceparentOf } from './open-telemetry.ts';
import type {
  OpenTelemetry,
  OtelContext,
  OtelSpan,
  OtelSpanContext,
  OtelTracer,
} from './open-telemetry.ts';
import {
  GEN_AI,
  OPERATION,
  TROUPE,
  named,
  type Attributes,
  type Conventions,
} from './semantics.ts';
import type { OpenSpan, SpanEnd } from './trace.ts';

/** What all spans of a system are made with. */
export interface SpanMaker {
  readonly otel: OpenTelemetry;
  readonly tracer: OtelTracer;
  readonly conventions: Conventions;
  /** Whether what tasks are about may be told. */
  readonly content: boolean;
  /** Milliseconds since the epoch that never go back. */
  nowMs(): number;
}

/** How a span begins. */
export interface SpanStart {
  readonly name: string;
  readonly parent: SpanNode | OtelSpanContext | undefined;
  readonly isClient?: boolean;
  readonly attributes: Attributes;
  readonly links?: readonly SpanNode[];
}

/** Called when what a span is for has ended; the span itself may wait for others. */
export type OnEnd = (node: SpanNode, how: SpanEnd) => void;

/** One span of ours. */
export class SpanNode implements OpenSpan {
  readonly #maker: SpanMaker;
  readonly #span: OtelSpan;
  readonly #parent: SpanNode | undefined;
  readonly #name: string;
  readonly #onEnd: OnEnd;
  #open = 0;
  #latestMs = 0;
  #isOver = false;
  #isClosed = false;
  readonly context: OtelSpanContext;

  constructor(maker: SpanMaker, start: SpanStart, onEnd: OnEnd) {
    const { name, parent, isClient = false, attributes, links = [] } = start;
    this.#maker = maker;
    this.#name = name;
    this.#onEnd = onEnd;
    this.#parent = parent instanceof SpanNode && !parent.#isClosed ? parent : undefined;
    this.#parent?.hold();
    this.#span = maker.tracer.startSpan(
      name,
      {
        kind: isClient ? KIND.client : KIND.internal,
        startTime: timeOf(maker.nowMs()),
        attributes: named(attributes, maker.conventions),
        links: links.map(({ context }) => ({ context })),
      },
      contextOf(maker.otel, parent),
    );
    this.context = this.#span.spanContext();
  }

  get otelSpan(): OtelSpan {
    return this.#span;
  }

  get traceparent(): string {
    return traceparentOf(this.context);
  }

  /** Says who works on it, by the name that it has itself. */
  rename(name: string): void {
    const [operation] = this.#name.split(' ');
    this.#span.updateName(`${operation} ${name}`);
    this.set({ [operation === OPERATION.workflow ? GEN_AI.workflow : GEN_AI.agentName]: name });
  }

  /** Something begins in it. */
  hold(): void {
    this.#open += 1;
  }

  /** Something that began in it has ended. */
  release(atMs = this.#maker.nowMs()): void {
    this.#open -= 1;
    this.#latestMs = Math.max(this.#latestMs, atMs);
    this.#close();
  }

  event(name: string, attributes: Attributes): void {
    this.#span.addEvent(name, attributes, timeOf(this.#maker.nowMs()));
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(named(attributes, this.#maker.conventions));
  }

  end(how: SpanEnd): void {
    if (this.#isOver) return;
    const { status, failure, missing, spent = {}, output, attributes = {} } = how;
    this.#isOver = true;
    this.#latestMs = Math.max(this.#latestMs, this.#maker.nowMs());
    this.set({
      ...attributes,
      [TROUPE.outcome]: status,
      ...amounts(TROUPE.spent, spent),
      ...(missing !== undefined && { [TROUPE.missing]: [...missing] }),
      ...(failure !== undefined && { [GEN_AI.errorType]: failure.kind }),
      ...(this.#maker.content && output !== undefined && { [TROUPE.output]: textOf(output) }),
    });
    if (failure !== undefined) {
      const message = this.#maker.content ? failure.message : failure.kind;
      this.#span.setStatus({ code: STATUS_ERROR, message });
    }
    this.#onEnd(this, how);
    this.#close();
  }

  #close(): void {
    if (!this.#isOver || this.#open > 0 || this.#isClosed) return;
    this.#isClosed = true;
    this.#span.end(timeOf(this.#latestMs));
    this.#parent?.release(this.#latestMs);
  }
}

/** Amounts as attributes, by name. */
export function amounts(prefix: string, given: Readonly<Record<string, number>>): Attributes {
  return Object.fromEntries(
    Object.entries(given).map(([name, amount]) => [`${prefix}${name}`, amount]),
  );
}

/** A value as an attribute can say it. */
export function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return '(no JSON)';
  }
}

function contextOf(
  { trace, ROOT_CONTEXT }: OpenTelemetry,
  parent: SpanNode | OtelSpanContext | undefined,
): OtelContext {
  if (parent === undefined) return ROOT_CONTEXT;
  if (parent instanceof SpanNode) return trace.setSpan(ROOT_CONTEXT, parent.otelSpan);
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

function timeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
