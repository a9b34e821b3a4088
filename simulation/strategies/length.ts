/**
 * How long the runs of an exploration are, as far as is known: points of change are drawn over it.
 */

/** What is assumed before any run is over. */
const ASSUMED = 24;

export class Length {
  #runs = 0;
  #counted = 0;
  #current = 0;

  /** A run begins, and with it the one before is over. */
  begin(): void {
    if (this.#current > 0) {
      this.#runs += 1;
      this.#counted += this.#current;
    }
    this.#current = 0;
  }

  /** A step in which there was something to choose that matters. */
  count(): void {
    this.#current += 1;
  }

  /** How many such steps a run is likely to have. */
  get estimate(): number {
    return this.#runs === 0 ? ASSUMED : Math.ceil(this.#counted / this.#runs);
  }
}
