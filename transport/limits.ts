/** Every limit of the transport: name, unit, default, and what happens at it. */
export const TRANSPORT_LIMITS = {
  /** Bytes of one frame; a bigger one closes its link, and a message that needs one goes in parts. */
  frameBytesMax: 1_048_576,
  /** Bytes of one message; a bigger one is refused to its sender, and closes the link where it comes in. */
  messageBytesMax: 4_194_304,
  /** Bytes that one turn collects before a frame leaves early. */
  batchBytes: 65_536,
  /** Bytes that a node sends to a peer beyond what the peer has taken; what does not fit is refused to its sender. */
  windowBytes: 8_388_608,
  /** Bytes, beyond the window, of replies, signals and notices, which are not refused; one more ends the connection. */
  reserveBytes: 8_388_608,
  /** Bytes that each operation counts for in both, beyond its own: what it costs in memory while it waits. */
  operationBytes: 128,
  /** Bytes in a link's buffer from which on nothing is handed to it but farewells; what is sent then waits within the window. */
  highWaterBytes: 1_048_576,
  /** Bytes in a link's buffer at which it goes on. */
  lowWaterBytes: 262_144,
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
  /** Memberships of a peer in groups, and its names; one more of either ends the connection. */
  membersMax: 100_000,
  /** Monitors and links that one side has at the other; one more is refused to whoever asks, and ends the connection where it comes in. */
  watchesMax: 100_000,
  /** Requests of a peer that are open; one more fails at once. */
  requestsMax: 100_000,
  /** Characters of a path, of a group and of a message's type; longer ones are refused to the sender, and end the connection where they come in. */
  textCharsMax: 4_096,
  /** Milliseconds that a node which leaves waits for a peer to take note, and to take what was sent before. */
  leaveMs: 1_000,
  /** Callers that have not proved themselves; one more takes the place of the oldest of the host that has most. */
  handshakesMax: 64,
  /** Bytes of a frame of the handshake; a bigger one closes the link. */
  handshakeBytesMax: 4_096,
  /** Milliseconds that a request waits before probes look for a deadlock that it is in. */
  probeAfterMs: 2_000,
  /** Agents of a deadlock that probes find. */
  probeEdgesMax: 256,
  /** Groups, members of each and mailboxes that a node's report names; the numbers count all. */
  reportRowsMax: 50,
  /** Milliseconds that an observer waits for the report of a node. */
  lookMs: 2_000,
  /** Nodes that a look goes through on its way. */
  lookHopsMax: 16,
} as const;
