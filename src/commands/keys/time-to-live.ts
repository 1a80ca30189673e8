// Asking for deadlines: TTL, PTTL, EXPIRETIME, PEXPIRETIME. -2 says that there is no key, -1 that it never expires.

import { int64Max } from "../../base/parse-integer.ts";
import type { ArgumentSpec, Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { oneKey } from "../key-specs.ts";

const key: ArgumentSpec = { name: "key", type: "key", keySpecIndex: 0 };

const ttl = {
  name: "ttl",
  scope: "data",
  summary: "Returns the seconds that a key has left to live, rounded.",
  since: "1.0.0",
  history: [["2.8.0", "Answers -2 when there is no such key."]],
  group: "generic",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keySpecs: [oneKey(1, "RO", "access")],
  arguments: [key],
  tips: ["nondeterministic_output"],
  run(context, args) {
    replyDeadline(context, args[1] ?? "", { unitMs: 1000, fromMs: context.nowMs });
  },
} as const satisfies DataCommand;

const pttl = {
  name: "pttl",
  scope: "data",
  summary: "Returns the milliseconds that a key has left to live.",
  since: "2.6.0",
  history: [["2.8.0", "Answers -2 when there is no such key."]],
  group: "generic",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keySpecs: [oneKey(1, "RO", "access")],
  arguments: [key],
  tips: ["nondeterministic_output"],
  run(context, args) {
    replyDeadline(context, args[1] ?? "", { unitMs: 1, fromMs: context.nowMs });
  },
} as const satisfies DataCommand;

const expiretime = {
  name: "expiretime",
  scope: "data",
  summary: "Returns the Unix time in seconds, rounded, at which a key expires.",
  since: "7.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keySpecs: [oneKey(1, "RO", "access")],
  arguments: [key],
  run(context, args) {
    replyDeadline(context, args[1] ?? "", { unitMs: 1000, fromMs: 0 });
  },
} as const satisfies DataCommand;

const pexpiretime = {
  name: "pexpiretime",
  scope: "data",
  summary: "Returns the Unix time in milliseconds at which a key expires.",
  since: "7.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keySpecs: [oneKey(1, "RO", "access")],
  arguments: [key],
  run(context, args) {
    replyDeadline(context, args[1] ?? "", { unitMs: 1, fromMs: 0 });
  },
} as const satisfies DataCommand;

export const timeToLiveCommands: readonly Command[] = [ttl, pttl, expiretime, pexpiretime];

interface Scale {
  readonly unitMs: 1 | 1000;
  readonly fromMs: number;
}

function replyDeadline(context: DataContext, name: string, scale: Scale): void {
  const entry = context.db.inspect(name);
  if (entry === undefined) context.reply.integer(-2);
  else if (entry.expireAtMs === 0) context.reply.integer(-1);
  else context.reply.integer(amountOf(entry.expireAtMs, scale));
}

/** The time from `scale.fromMs` to the deadline in the unit asked for, rounded half up; never negative. */
function amountOf(deadlineMs: number, scale: Scale): number | bigint {
  if (Number.isSafeInteger(deadlineMs)) {
    const leftMs = Math.max(0, deadlineMs - scale.fromMs);
    return scale.unitMs === 1 ? leftMs : Math.floor((leftMs + 500) / 1000);
  }
  // A deadline near 2^63 is kept as a double, which may be 2^63 itself.
  const exactMs = BigInt(deadlineMs) > int64Max ? int64Max : BigInt(deadlineMs);
  const leftMs = exactMs - BigInt(scale.fromMs);
  return scale.unitMs === 1 ? leftMs : (leftMs + 500n) / 1000n;
}
