// What the differential tester sends commands to: vlot's command layer in this process, or any server behind a socket.

/** An argument vector of byte strings. */
export type Args = readonly string[];

export interface Target {
  /** What to call it in reports. */
  readonly name: string;
  /** Runs `commands` in order, one after the other; the whole reply of each, as the bytes of its RESP form. */
  exchange(commands: readonly Args[]): Promise<readonly string[]>;
  close(): Promise<void>;
}
