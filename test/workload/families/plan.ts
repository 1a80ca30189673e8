// Short words for what the families plan.

import type { Answer } from "../../checker/answer.ts";
import type { Planned } from "../family.ts";

/** A command that changes nothing. */
export function reading<Input>(
  args: readonly string[],
  input: Input,
  ...kinds: readonly Answer["kind"][]
): Planned<Input> {
  return { args, input, isWrite: false, kinds };
}

/** A command that goes through the log. */
export function writing<Input>(
  args: readonly string[],
  input: Input,
  ...kinds: readonly Answer["kind"][]
): Planned<Input> {
  return { args, input, isWrite: true, kinds };
}
