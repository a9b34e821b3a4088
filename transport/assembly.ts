/**
 * An operation that comes in parts: what has arrived of it, held against what its first part said,
 * and never more memory than twice what has come.
 */
import { TRANSPORT_LIMITS } from './limits.ts';
import { malformed } from './scan.ts';

export class Assembly {
  readonly #totalBytes: number;
  #bytes = new Uint8Array();
  #arrivedBytes = 0;

  /** Throws `MalformedFrame` beyond `messageBytesMax`. */
  constructor(totalBytes: number) {
    const { messageBytesMax } = TRANSPORT_LIMITS;
    if (totalBytes > messageBytesMax)
      throw malformed(`a message of ${totalBytes} bytes; ${messageBytesMax} are the most`);
    this.#totalBytes = totalBytes;
  }

  /** Takes the next part, with what it says of the whole. Throws `MalformedFrame`. */
  add(part: Uint8Array, totalBytes: number): void {
    if (totalBytes !== this.#totalBytes) throw malformed('a message that breaks off');
    const arrived = this.#arrivedBytes + part.length;
    if (arrived > totalBytes) throw malformed(`more than the ${totalBytes} bytes of its message`);
    // A stranger's word is no reason to make room: what has come is.
    if (arrived > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(totalBytes, 2 * arrived));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#arrivedBytes);
    this.#arrivedBytes = arrived;
  }

  get isWhole(): boolean {
    return this.#arrivedBytes === this.#totalBytes;
  }

  /** All of it, once it is whole. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }
}
