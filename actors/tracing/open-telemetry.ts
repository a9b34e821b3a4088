/**
 * The part of `@opentelemetry/api` that is used, by its shape: nobody has to install it who does not
 * trace, and everybody traces with their own copy.
 */
import type { Attributes } from './semantics.ts';

/** `import * as otel from '@opentelemetry/api'` is one. */
export interface OpenTelemetry {
  readonly trace: {
    getTracer(name: string): OtelTracer;
    setSpan(context: OtelContext, span: OtelSpan): OtelContext;
    setSpanContext(context: OtelContext, spanContext: OtelSpanContext): OtelContext;
  };
  readonly ROOT_CONTEXT: OtelContext;
}

/** What spans are made with. */
export interface OtelTracer {
  startSpan(name: string, options: OtelSpanOptions, context: OtelContext): OtelSpan;
}

export interface OtelContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): OtelContext;
  deleteValue(key: symbol): OtelContext;
}

export interface OtelSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly isRemote?: boolean;
}

/** Seconds since the epoch, and nanoseconds. */
export type OtelTime = [number, number];

export interface OtelSpanOptions {
  readonly kind: number;
  readonly startTime: OtelTime;
  readonly attributes: Attributes;
  readonly links?: { context: OtelSpanContext }[];
}

export interface OtelSpan {
  spanContext(): OtelSpanContext;
  setAttributes(attributes: Attributes): unknown;
  addEvent(name: string, attributes: Attributes, time: OtelTime): unknown;
  updateName(name: string): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(time: OtelTime): void;
}

/** Of OpenTelemetry's enums, which are numbers for good: they stand in its protocol. */
export const KIND = { internal: 0, client: 2 } as const;
export const STATUS_ERROR = 2;

/** The W3C `traceparent` of a span. */
export function traceparentOf({ traceId, spanId, traceFlags }: OtelSpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The span that a `traceparent` names; undefined for a text that is none. */
export function spanContextOf(traceparent: string | undefined): OtelSpanContext | undefined {
  const parts = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '');
  if (parts === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = parts;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
