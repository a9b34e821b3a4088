/**
 * The reports of a supervisor: each is one log record and one inspection event, with OTP's contexts
 * and the causing error beside them.
 */
import type { AgentContext, ExitReason } from '../runtime/index.ts';
import type { ChildSpec } from './child-spec.ts';

type Reporter = Pick<AgentContext, 'report' | 'self'>;

/** Whom a report is about. */
interface Offender {
  readonly spec: ChildSpec;
  readonly incarnation: number;
  readonly restarts: number;
}

/** A child has started: at the supervisor's own start and at restarts it is news, on request it is not. */
export function reportProgress(ctx: Reporter, child: Offender, level: 'info' | 'debug'): void {
  ctx.report({ level, label: 'supervisor/progress', fields: () => offender(child, ctx) });
}

/** A child ended by itself, and that matters; `delayMs` until it is started again. */
export function reportTerminated(
  ctx: Reporter,
  child: Offender,
  reason: ExitReason,
  delayMs: number | undefined,
): void {
  ctx.report({
    level: 'error',
    label: 'supervisor/child_terminated',
    fields: () => ({ ...offender(child, ctx), ...why(reason), ...delay(delayMs) }),
  });
}

/** A child could not start; `delayMs` until it is tried again. */
export function reportStartError(
  ctx: Reporter,
  child: Offender,
  error: unknown,
  delayMs?: number,
): void {
  ctx.report({
    level: 'error',
    label: 'supervisor/start_error',
    fields: { ...offender(child, ctx), err: error, ...delay(delayMs) },
  });
}

/** Children did not end as they were told to. Those that failed alike share one record, with their number. */
export function reportShutdownErrors(
  ctx: Reporter,
  ends: readonly { readonly child: Offender; readonly reason: ExitReason }[],
): void {
  const alike = new Map<string, { fields: Record<string, unknown>; count: number }>();
  for (const { child, reason } of ends) {
    const key = keyOf(reason);
    const known = alike.get(key);
    if (known !== undefined) known.count += 1;
    else alike.set(key, { fields: { ...offender(child, ctx), ...why(reason) }, count: 1 });
  }
  for (const { fields, count } of alike.values()) {
    ctx.report({
      level: 'error',
      label: 'supervisor/shutdown_error',
      fields: count === 1 ? fields : { ...fields, count },
    });
  }
}

/** The supervisor gives up. */
export function reportGivingUp(ctx: Reporter, child: Offender, error: unknown): void {
  ctx.report({
    level: 'error',
    label: 'supervisor/shutdown',
    fields: { ...offender(child, ctx), reason: 'reached_max_restart_intensity', err: error },
  });
}

function offender({ spec, incarnation, restarts }: Offender, ctx: Reporter): { child: object } {
  const { id, restart, shutdown, significant, type } = spec;
  const path = `${ctx.self.path}/${id}`;
  return { child: { id, path, incarnation, restarts, restart, shutdown, significant, type } };
}

function why(reason: ExitReason): Record<string, unknown> {
  switch (reason.type) {
    case 'crash':
      return { reason: 'crash', err: reason.error };
    case 'shutdown':
      return { reason: 'shutdown', detail: reason.detail, err: reason.cause };
    default:
      return { reason: reason.type };
  }
}

function delay(delayMs: number | undefined): { readonly delayMs?: number } {
  return delayMs === undefined || delayMs === 0 ? {} : { delayMs };
}

function keyOf(reason: ExitReason): string {
  const cause = reason.type === 'crash' ? reason.error : undefined;
  return `${reason.type} ${cause instanceof Error ? `${cause.name}: ${cause.message}` : ''}`;
}
