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

/** There is no child with this id, or the ref is no child of this supervisor. */
export class ChildNotFound extends TroupeError {
  readonly code = 'CHILD_NOT_FOUND';

  constructor(fields: { readonly id: string; readonly available: readonly string[] }) {
    super(`no child "${fields.id}"; there are: ${fields.available.join(', ') || 'none'}`, fields);
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

/** A dynamic supervisor has as many children as it may. */
export class MaxChildren extends TroupeError {
  readonly code = 'MAX_CHILDREN';

  constructor(fields: { readonly path: string; readonly maxChildren: number }) {
    super(`${fields.path} has its ${fields.maxChildren} children`, fields);
  }
}

/** A supervisor gave up: more restarts than its intensity allows. It is the `cause` of its `shutdown`. */
export class RestartIntensityReached extends TroupeError {
  readonly code = 'RESTART_INTENSITY_REACHED';

  constructor(
    fields: {
      readonly path: string;
      readonly child: string;
      readonly intensity: number;
      readonly periodMs: number;
    },
    options: { readonly cause: unknown },
  ) {
    const { path, child, intensity, periodMs } = fields;
    super(
      `${path} gave up on "${child}": more than ${intensity} restarts within ${periodMs} ms`,
      fields,
      options,
    );
  }
}
