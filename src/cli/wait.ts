// `vlot wait --leader`: for scripts that go on when the cluster is ready.

import { systemClock } from "../node/system-clock.ts";
import { loginFor, reportOf } from "./ask-node.ts";
import { addressArgument, numberFlag, subcommandFlags } from "./flags.ts";

const pauseMs = 100;

/** Waits until the node knows a leader; exit status 0 then, 1 when time is up. */
export async function wait(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { words, flags } = subcommandFlags("wait", args, ["leader", "timeout", "password", "help"], 1);
  if (flags.has("help")) {
    console.log("Usage: vlot wait [host:port] [--leader] [--timeout seconds] [--password word]");
    return 0;
  }
  const login = loginFor(flags.get("password") ?? env["VLOT_REQUIREPASS"]);
  const address = addressArgument(words[0] ?? "");
  const seconds = numberFlag("timeout", (flags.get("timeout") ?? "30").replace(/s$/, ""), 0, 86_400);
  const deadlineMs = systemClock.monotonicMs() + seconds * 1000;
  for (;;) {
    const { fields, problem } = await reportOf(address, login);
    const leaderId = Number(fields.get("raft_leader_id") ?? -1);
    if (problem === null && leaderId > 0) return 0;
    if (systemClock.monotonicMs() >= deadlineMs) {
      const state = problem ?? `the node is ${fields.get("raft_state") ?? "silent"} and knows no leader`;
      console.error(`vlot wait: no leader after ${seconds} s: ${state}`);
      return 1;
    }
    await new Promise<void>((resolve) => void systemClock.after(pauseMs, resolve));
  }
}
