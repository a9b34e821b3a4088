/** Every limit of the transport: name, unit, default, and what happens at it. */
export const TRANSPORT_LIMITS = {
  /** Bytes of one frame; a bigger one closes its link, and a message that needs one is refused to its sender. */
  frameBytesMax: 1_048_576,
  /** Bytes that one turn collects before a frame leaves early. */
  batchBytes: 65_536,
  /** Bytes that a node sends to a peer beyond what the peer has taken; what does not fit is refused to its sender. */
  windowBytes: 8_388_608,
  /** Bytes, beyond the window, of replies, signals and notices, which are not refused; one more ends the connection. */
  reserveBytes: 8_388_608,
  /** Bytes that a node takes before it says so to its peer. */
  ackBytes: 262_144,
  /** Levels of a message; a deeper one is refused to its sender, and closes the link where it comes in. */
  depthMax: 64,
  /** Milliseconds without a frame of its own after which a node sends a ping. */
  pingMs: 1_000,
  /** Milliseconds of silence after which a peer is suspected. */
  suspectMs: 3_000,
  /** Milliseconds of silence after which a peer is down. */
  downMs: 10_000,
  /** Milliseconds that a handshake may take; then the link is closed. */
  handshakeMs: 5_000,
  /** Milliseconds before the first new attempt to reach a seed; doubled with each. */
  redialMs: 100,
  /** Milliseconds between two attempts at most. */
  redialMsMax: 10_000,
  /** Groups of a peer, its members of one of them, and its names; one more ends the connection. */
  membersMax: 100_000,
  /** Links that may be in a handshake at a time; one more is closed at once. */
  handshakesMax: 64,
  /** Groups, members of each and mailboxes that a node's report names; the numbers count all. */
  reportRowsMax: 50,
  /** Milliseconds that an observer waits for the report of a node. */
  lookMs: 2_000,
  /** Nodes that a look goes through on its way. */
  lookHopsMax: 16,
} as const;
