/**
 * The reports of a supervisor: each is one log record and one inspection event, with OTP's contexts
 * and the causing error beside them.
 */
import type { AgentContext, ExitReason } from '../runtime/index.ts';
import type { ChildSpec } from './child-spec.ts';

type Reporter = Pick<AgentContext, 'report' | 'self'>;

/** A child has started: at the supervisor's own start and at restarts it is news, on request it is not. */
export function reportProgress(ctx: Reporter, spec: ChildSpec, level: 'info' | 'debug'): void {
  ctx.report({ level, label: 'supervisor/progress', fields: offender(spec, ctx) });
}

/** A child ended by itself, and that matters. */
export function reportTerminated(ctx: Reporter, spec: ChildSpec, reason: ExitReason): void {
  ctx.report({
    level: 'error',
    label: 'supervisor/child_terminated',
    fields: { ...offender(spec, ctx), ...why(reason) },
  });
}

/** A child could not start. */
export function reportStartError(ctx: Reporter, spec: ChildSpec, error: unknown): void {
  ctx.report({
    level: 'error',
    label: 'supervisor/start_error',
    fields: { ...offender(spec, ctx), err: error },
  });
}

/** A child did not end as it was told to. */
export function reportShutdownError(ctx: Reporter, spec: ChildSpec, reason: ExitReason): void {
  ctx.report({
    level: 'error',
    label: 'supervisor/shutdown_error',
    fields: { ...offender(spec, ctx), ...why(reason) },
  });
}

/** The supervisor gives up. */
export function reportGivingUp(ctx: Reporter, spec: ChildSpec, error: unknown): void {
  ctx.report({
    level: 'error',
    label: 'supervisor/shutdown',
    fields: { ...offender(spec, ctx), reason: 'reached_max_restart_intensity', err: error },
  });
}

function offender(spec: ChildSpec, ctx: Reporter): Record<string, unknown> {
  const { id, restart, shutdown, significant, type } = spec;
  return { child: { id, path: `${ctx.self.path}/${id}`, restart, shutdown, significant, type } };
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
