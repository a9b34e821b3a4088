/**
 * What a failed call of a model means: whether another attempt is worth it, and when. By the fields
 * of the error and not by its class, so that errors of the AI SDK are understood too.
 */
import type { FailureParts } from '../failure.ts';
import { messageOf } from '../failure.ts';

interface CallError {
  readonly name?: string;
  readonly code?: string;
  readonly statusCode?: number;
  readonly retryAfterMs?: number;
  readonly responseHeaders?: Readonly<Record<string, string>>;
}

/** The kinds of failure by HTTP status; other statuses from 500 on mean that the endpoint is unavailable. */
const BY_STATUS: Readonly<Record<number, Pick<FailureParts, 'kind' | 'retry'> | undefined>> = {
  401: { kind: 'blockedExternally' },
  403: { kind: 'blockedExternally' },
  408: { kind: 'unavailable', retry: { retryable: true } },
  409: { kind: 'unavailable', retry: { retryable: true } },
  429: { kind: 'rateLimited', retry: { retryable: true } },
};

/** What can be said of a call that was rejected; undefined for what is no failure of a model. */
export function modelFailure(error: unknown): FailureParts | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { name, code, statusCode, retryAfterMs, responseHeaders = {} } = error as CallError;
  const message = messageOf(error);
  // A model only speaks: whatever went wrong, the world is as it was.
  const effect = 'none';
  if (statusCode !== undefined && statusCode !== 200) {
    const known =
      BY_STATUS[statusCode] ??
      (statusCode >= 500
        ? { kind: 'unavailable' as const, retry: { retryable: true } }
        : { kind: 'invalidInput' as const, retry: { sameInputWillFail: true } });
    const { 'retry-after': header, date } = responseHeaders;
    const afterMs = retryAfterMs ?? (header === undefined ? undefined : waitOf(header, date));
    const retry = { retryable: false, ...known.retry, ...(afterMs !== undefined && { afterMs }) };
    return { kind: known.kind, message, effect, retry };
  }
  const isCut = code === 'STREAM_CUT' || code === 'STREAM_STALLED' || statusCode === 200;
  const isNetwork = name === 'TypeError' && /fetch failed|terminated|network/i.test(message);
  if (!isCut && !isNetwork) return undefined;
  return { kind: 'unavailable', message, effect, retry: { retryable: true } };
}

/** `Retry-After` in milliseconds: seconds, or a date against the response's own; undefined for neither. */
export function waitOf(retryAfter: string, date: string | null = null): number | undefined {
  const seconds = Number(retryAfter);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const waitMs = Date.parse(retryAfter) - Date.parse(date ?? '');
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}
