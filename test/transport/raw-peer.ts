/** A peer by hand: it shakes hands as a node does, and then sends whatever bytes a test wants. */
import { createSeededRandom } from 'troupe';
import type { Link, LinkClose } from 'troupe/transport';
// The frames are no part of the public surface.
import { pack, unpack } from '../../transport/codec.ts';
import { Handshake, LANE, frameOf } from '../../transport/handshake.ts';
import { SECRET } from './cast.ts';

const HEADER_BYTES = 9;

/** The bytes of values, one behind the other. */
export function packed(...wire: readonly unknown[]): Uint8Array {
  return Buffer.concat(wire.map((value) => Buffer.from(pack([value])).subarray(1)));
}

/** A data frame of operations. */
export function dataFrame(number: number, operations: Uint8Array, taken = 0): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = LANE.data;
  header.writeUInt32BE(number, 1);
  header.writeUInt32BE(taken, 5);
  return Buffer.concat([header, operations]);
}

export class RawPeer {
  readonly link: Link;
  /** The operations of data frames that have come, in order, and the controls. */
  readonly got: unknown[][] = [];
  readonly controls: unknown[][] = [];
  closed: LinkClose | undefined;
  isUp = false;
  #sent = 0;
  #came = 0;

  constructor(link: Link, name: string, secret = SECRET) {
    this.link = link;
    link.onClose = (close) => (this.closed = close);
    new Handshake(link, true, {
      self: { name, incarnation: 'by-hand', role: 'node' },
      secrets: [secret],
      random: createSeededRandom(7),
      refuses: () => undefined,
      done: () => {
        this.isUp = true;
        link.onFrame = (bytes) => this.#take(bytes);
      },
    });
  }

  #take(bytes: Uint8Array): void {
    if (bytes[0] === LANE.control) this.controls.push(...(unpack(bytes, 1) as unknown[][]));
    else {
      this.#came += 1;
      this.got.push(...(unpack(bytes, HEADER_BYTES) as unknown[][]));
    }
  }

  /** Sends operations in one frame with the next number. */
  send(...operations: readonly (readonly unknown[])[]): void {
    this.bytes(packed(...operations));
  }

  /** Sends the bytes of operations, whatever they are, in a frame with the next number. */
  bytes(operations: Uint8Array): void {
    this.#sent += 1;
    this.link.send(dataFrame(this.#sent, operations, this.#came));
  }

  control(...operation: readonly unknown[]): void {
    this.link.send(frameOf(LANE.control, packed(operation)));
  }
}
