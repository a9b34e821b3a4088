/** The public surface of `troupe/transport`. */
export { joinCluster } from './cluster.ts';
export type { ClusterNode, JoinOptions, NodeInfo } from './cluster.ts';
export type { Group, GroupEvent } from './groups.ts';
export type { NodeEvents } from './node-events.ts';
export type { PeerRights, Rights } from './rights.ts';
export { CLOSE } from './link.ts';
export type { Link, LinkClose, Links, Listener } from './link.ts';
export { MemoryNetwork, memoryLink } from './memory-link.ts';
export type { Conditions } from './memory-link.ts';
export { ThreadHub, threadLinks } from './thread-link.ts';
export { wsLinks } from './ws-link.ts';
export type { WsOptions } from './ws-link.ts';
export { LinkFailed, LinkFull, MalformedFrame, NotAllowed, RemoteError } from './errors.ts';
export { TRANSPORT_LIMITS } from './limits.ts';
export { PROTOCOL_VERSION } from './handshake.ts';
