// ReadIndex by rounds (dissertation §6.4). A linearizable read needs proof that the leader still leads *after* the read
// arrived. A round is a number that travels in every AppendEntries and comes back in every response; once a majority has
// echoed a number, no other node can have been elected before that number was first sent, and all reads that joined the
// round may be answered as soon as the commit index of their arrival is applied. Reads share rounds: the round stays open
// until a message carries it, then the next read opens another.
//
//      request → 7    request → 7    (7 leaves)    request → 8    majority echoes 7: reads of round 7 are confirmed

export class ReadRounds {
  #round = 0;
  #open = false;
  #confirmed = 0;
  /** Rounds up to here belong to earlier terms. */
  #termStart = 0;

  /** The number that goes into every message. It never goes back, also across terms. */
  get round(): number {
    return this.#round;
  }

  /** Highest confirmed round of this term; 0 when none. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Whether some round still waits for its majority. */
  get isPending(): boolean {
    return this.#round > this.#confirmed && this.#round > this.#termStart;
  }

  /** Joins the open round, or opens one. */
  join(): number {
    if (!this.#open) {
      this.#open = true;
      this.#round++;
    }
    return this.#round;
  }

  /** Messages with this round leave: whoever reads from now on needs a later one. */
  close(): void {
    this.#open = false;
  }

  /** A majority has echoed all rounds up to `round`. */
  confirm(round: number): void {
    if (round > this.#confirmed) this.#confirmed = round;
  }

  /** Leadership is lost or new: nothing is confirmed, and the rounds so far count for no one. */
  reset(): void {
    this.#open = false;
    this.#confirmed = 0;
    this.#termStart = this.#round;
  }
}
