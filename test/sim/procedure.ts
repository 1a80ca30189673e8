// What an operator does step by step, as a generator: it yields what it waits for, and goes on with the answer, in the
// world's time. So a procedure reads from top to bottom and still shares the thread with all that happens meanwhile.

import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import { textOf } from "./virtual-client.ts";
import type { VirtualWorld } from "./virtual-world.ts";

export type Wait =
  | { readonly kind: "pause"; readonly forMs: number }
  | {
      readonly kind: "call";
      readonly target: string;
      readonly args: readonly string[];
      readonly timeoutMs: number;
    };

/** Goes on with the answer to a call as text, null when none came. */
export type Procedure = Generator<Wait, void, string | null>;

/** Runs `procedure` as time passes; `done` is called when it has come to its end. */
export function runProcedure(world: VirtualWorld, procedure: Procedure, done: () => void): void {
  const goOn = (answer: string | null): void => {
    const next = procedure.next(answer);
    if (next.done === true) return done();
    const wait = next.value;
    if (wait.kind === "pause") world.time.after(wait.forMs, () => goOn(null));
    else call(world, wait, goOn);
  };
  goOn(null);
}

function call(
  world: VirtualWorld,
  { target, args, timeoutMs }: Wait & { kind: "call" },
  answered: (answer: string | null) => void,
): void {
  const client = world.connect(target);
  let isOpen = true;
  const settle = (reply: ReplyValue | null): void => {
    if (!isOpen) return;
    isOpen = false;
    timer.cancel();
    client.close();
    const text = reply === null ? null : textOf(reply);
    world.trace.event("op", `${target} answers ${args.join(" ")}: ${text ?? "nothing"}`);
    answered(text);
  };
  const timer = world.time.after(timeoutMs, () => settle(null));
  client.send(args, settle);
}
