// Slows down a sender whose commands have to wait: while more than a little of its input has piled up, the socket is not
// read, so the kernel's buffers fill and TCP holds the sender back.

/** Input that may pile up before the socket is paused. */
const heldBytesMax = 256 * 1024;

export interface Pausable {
  pause(): void;
  resume(): void;
}

export class InputHold {
  readonly #socket: Pausable;
  isPaused = false;

  constructor(socket: Pausable) {
    this.#socket = socket;
  }

  /** To be told after each round of processing whether input waits, and how much there is. */
  update(waits: boolean, bufferedBytes: number): void {
    const pause = waits && bufferedBytes > heldBytesMax;
    if (pause === this.isPaused) return;
    this.isPaused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
  }
}
