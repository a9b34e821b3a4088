/** What can go wrong between nodes. What an ask of another node fails with is the runtime's `ActorEnded` with `noconnection`. */
import { TroupeError } from '../runtime/index.ts';

/** No link could be made to an address. */
export class LinkFailed extends TroupeError {
  readonly code = 'LINK_FAILED';

  constructor(fields: { readonly address: string; readonly why: string }, options?: ErrorOptions) {
    super(`no link to ${fields.address}: ${fields.why}`, fields, options);
  }
}

/** The peer is behind: more bytes are on their way to it than its window holds. */
export class LinkFull extends TroupeError {
  readonly code = 'LINK_FULL';

  constructor(fields: {
    readonly node: string;
    readonly message: string;
    readonly windowBytes: number;
  }) {
    super(
      `"${fields.message}" to ${fields.node}: more than ${fields.windowBytes} bytes are on their way`,
      fields,
    );
  }
}

/** Nobody is in a group that a message is for. */
export class NoMembers extends TroupeError {
  readonly code = 'NO_MEMBERS';

  constructor(fields: { readonly group: string; readonly message: string }) {
    super(`nobody is in the group "${fields.group}" for "${fields.message}"`, fields);
  }
}

/** So much is open between two nodes that no more is allowed. */
export class PeerLimit extends TroupeError {
  readonly code = 'PEER_LIMIT';

  constructor(fields: {
    readonly node: string;
    readonly asked: string;
    readonly limit: string;
    readonly max: number;
  }) {
    const { node, asked, limit, max } = fields;
    super(`${asked}, with ${node}: ${max} are open, and ${limit} allows no more`, fields);
  }
}

/** The other node does not let this one do that. */
export class NotAllowed extends TroupeError {
  readonly code = 'NOT_ALLOWED';

  constructor(fields: { readonly address: string; readonly peer: string; readonly asked: string }) {
    super(`${fields.peer} may not ${fields.asked} ${fields.address}`, fields);
  }
}

/** What came in over a link is no frame of the protocol; the link is closed. */
export class MalformedFrame extends TroupeError {
  readonly code = 'MALFORMED_FRAME';

  constructor(fields: { readonly why: string }, options?: ErrorOptions) {
    super(`malformed frame: ${fields.why}`, fields, options);
  }
}

/** An error of a class that this process does not know, as it came from another node. */
export class RemoteError extends TroupeError {
  readonly code: string;

  constructor(
    message: string,
    fields: Readonly<Record<string, unknown>>,
    code: string,
    options?: ErrorOptions,
  ) {
    super(message, fields, options);
    this.code = code;
  }
}
