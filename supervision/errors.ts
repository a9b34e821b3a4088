/** The supervision floor's errors: what a management call is refused with, as in OTP. */
import { TroupeError, type AnyRef } from '../runtime/index.ts';

/** The id belongs to a child that runs; `ref` leads to it. */
export class AlreadyStarted extends TroupeError {
  readonly code = 'ALREADY_STARTED';
  readonly ref: AnyRef;

  constructor(fields: { readonly id: string; readonly ref: AnyRef }) {
    super(`child "${fields.id}" runs already, at ${fields.ref.path}`, fields);
    this.ref = fields.ref;
  }
}

/** The id belongs to a child that is known and does not run: restart or delete it. */
export class AlreadyPresent extends TroupeError {
  readonly code = 'ALREADY_PRESENT';

  constructor(fields: { readonly id: string }) {
    super(`child "${fields.id}" is known and does not run: restart or delete it`, fields);
  }
}

/** An error names so many children at most. */
const LISTED_MAX = 20;

/** There is no child with this id, or the ref is no child of this supervisor. */
export class ChildNotFound extends TroupeError {
  readonly code = 'CHILD_NOT_FOUND';

  constructor(fields: { readonly id: string; readonly available: readonly string[] }) {
    const { id, available } = fields;
    const listed = available.slice(0, LISTED_MAX).join(', ') || 'none';
    const more = available.length > LISTED_MAX ? ` and ${available.length - LISTED_MAX} more` : '';
    super(`no child "${id}"; there are: ${listed}${more}`, fields);
  }
}

/** The call needs a child that does not run. */
export class ChildRunning extends TroupeError {
  readonly code = 'CHILD_RUNNING';

  constructor(fields: { readonly id: string }) {
    super(`child "${fields.id}" runs: stop it first`, fields);
  }
}

/** The call needs a child whose restart is not being tried. */
export class ChildRestarting extends TroupeError {
  readonly code = 'CHILD_RESTARTING';

  constructor(fields: { readonly id: string }) {
    super(`child "${fields.id}" is being restarted: stop it first`, fields);
  }
}

/** The child said, while it started, that there is nothing to do for it; it is gone, and that is no failure. */
export class ChildIgnored extends TroupeError {
  readonly code = 'CHILD_IGNORED';

  constructor(fields: { readonly id: string }) {
    super(`child "${fields.id}" had nothing to do`, fields);
  }
}

/** A dynamic supervisor has as many children as it may. */
export class MaxChildren extends TroupeError {
  readonly code = 'MAX_CHILDREN';

  constructor(fields: { readonly path: string; readonly maxChildren: number }) {
    super(`${fields.path} has its ${fields.maxChildren} children`, fields);
  }
}

/** A spawner offers nothing under this name. */
export class NotOffered extends TroupeError {
  readonly code = 'NOT_OFFERED';

  constructor(fields: { readonly offer: string; readonly available: readonly string[] }) {
    const { offer, available } = fields;
    super(`no offer "${offer}"; there are: ${available.join(', ') || 'none'}`, fields);
  }
}

/** What a supervisor gave up at: its own intensity, or a limit in the child's spec. */
export type RestartLimit = 'intensity' | 'restartsMax' | 'failedStartsMax';

/** A supervisor gave up: one more restart than `limit` allows. It is the `cause` of its `shutdown`. */
export class RestartIntensityReached extends TroupeError {
  readonly code = 'RESTART_INTENSITY_REACHED';
  readonly limit: RestartLimit;

  constructor(
    fields: {
      readonly path: string;
      readonly child: string;
      readonly limit: RestartLimit;
      readonly intensity: number;
      readonly periodMs: number;
      readonly restartsMax: number;
      readonly failedStartsMax: number;
    },
    options: { readonly cause: unknown },
  ) {
    const { path, child, limit, intensity, periodMs, restartsMax, failedStartsMax } = fields;
    const why = {
      intensity: `more than ${intensity} restarts within ${periodMs} ms`,
      restartsMax: `more than ${restartsMax} restarts of this child`,
      failedStartsMax: `more than ${failedStartsMax} failed starts in a row`,
    };
    super(`${path} gave up on "${child}": ${why[limit]}`, fields, options);
    this.limit = limit;
  }
}
