// One command of the load and what its end means, whatever it is about.

import type { ReplyValue } from "../../src/resp/reply-parser.ts";

export interface Step {
  readonly args: readonly string[];
  readonly isWrite: boolean;
  /** It is about to be sent, at `atMs` of the one clock of the run. */
  sent(client: number, atMs: number): OpenStep;
}

/** A step that was sent. It ends once. */
export interface OpenStep {
  /** Executed. False: no reply that this command can have, so it is that of another, or no reply at all. */
  answered(reply: ReplyValue, atMs: number): boolean;
  /** Surely not executed, now or later. */
  refused(): void;
  /** Nobody knows; it may still be executed. */
  unknown(): void;
}

export type Verdict = "answered" | "refused" | "unknown";

/** What a reply says about the execution of the command it answers. */
export function verdictOf(reply: ReplyValue): Verdict {
  if (reply.kind !== "error") return "answered";
  if (reply.text.startsWith("TIMEOUT ")) return "unknown";
  return /^(MOVED|CLUSTERDOWN|NOCLUSTER|LOADING|THROTTLED|MISCONF) /.test(reply.text)
    ? "refused"
    : "answered";
}
