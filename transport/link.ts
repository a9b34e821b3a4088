/**
 * A link: frames between two nodes, and the ways to get one.
 *
 * A link promises little: a frame arrives whole or not at all, and the end of the link is told once.
 * What a lossy one makes of the rest is noticed by the peer, which numbers its frames.
 */

/** Why a link is closed: a number of the table in transport/README.md, and words for the log. */
export interface LinkClose {
  readonly code: number;
  readonly reason: string;
}

/** Frames between two nodes. */
export interface Link {
  /** Where it leads, as `host:port` where there are such; callers of one host share its places. */
  readonly remote: string;
  /** Bytes that were sent and have not left this process. */
  readonly bufferedBytes: number;
  /** Called with each frame that arrives; set it at once. */
  onFrame: (bytes: Uint8Array) => void;
  /** Called once, when the link has ended, by whichever side; no frame comes after it. */
  onClose: (close: LinkClose) => void;
  /** Sends a frame; what is sent into an ended link is lost. */
  send(bytes: Uint8Array): void;
  /** Ends the link: what was sent before still leaves where it can. `onClose` is called at once. */
  close(code: number, reason: string): void;
}

/** What takes links. */
export interface Listener {
  /** What a seed of another node would name. */
  readonly address: string;
  close(): Promise<void>;
}

/** A way to make links. */
export interface Links {
  /** `refused` is told of callers that did not even become a link. */
  listen(
    accept: (link: Link) => void,
    refused?: (remote: string, reason: string) => void,
  ): Promise<Listener>;
  /** Rejects when nobody is there. */
  dial(address: string): Promise<Link>;
}

/** The codes with which links are closed. */
export const CLOSE = {
  left: 4000,
  malformed: 4001,
  outOfOrder: 4002,
  version: 4003,
  secret: 4004,
  refused: 4005,
  replaced: 4006,
  connected: 4007,
  silent: 4008,
  overload: 4009,
  handshake: 4010,
} as const;

export const ignore = (): void => undefined;
