/** The public surface of `troupe/transport`. */
export { joinCluster } from './cluster.ts';
export type { ClusterNode, JoinOptions } from './cluster.ts';
export { observeCluster } from './observe.ts';
export type { NodeView, ObserveOptions } from './observe.ts';
export type { GroupReport, MailboxReport, NodeInfo, NodeReport } from './report.ts';
export type { Group, GroupEvent } from './groups.ts';
export { keepFirst } from './names.ts';
export type { ClusterNames, NameClaim, NameConflict, NameResolver } from './names.ts';
export type { NodeEvents } from './node-events.ts';
export type { PeerRights, Rights } from './rights.ts';
export { CLOSE } from './link.ts';
export type { Link, LinkClose, Links, Listener } from './link.ts';
export { MemoryNetwork, memoryLink } from './memory-link.ts';
export type { Conditions } from './memory-link.ts';
export { ThreadHub, threadLinks } from './thread-link.ts';
export { wsLinks } from './ws-link.ts';
export type { WsOptions } from './ws-link.ts';
export type { Broadcast, Router, Routing } from './router.ts';
export {
  LinkFailed,
  LinkFull,
  MalformedFrame,
  NoMembers,
  NotAllowed,
  PeerLimit,
  RemoteError,
} from './errors.ts';
export { TRANSPORT_LIMITS } from './limits.ts';
export { PROTOCOL_VERSION } from './handshake.ts';
