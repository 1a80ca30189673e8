// Expiry as SET, GETEX, SETEX and PSETEX take it: an amount in one of four units, checked as Redis checks it.

import { int64Max, parseInt64, parseSafeInteger } from "../../base/parse-integer.ts";
import { errorFor, errors } from "../../resp/errors.ts";

/** The options by their names in lower case: seconds or milliseconds, from now on or since 1970. */
export type DeadlineUnit = "ex" | "px" | "exat" | "pxat";

/** Whether `word`, in lower case, is one of the options. */
export function isDeadlineUnit(word: string): word is DeadlineUnit {
  return word === "ex" || word === "px" || word === "exat" || word === "pxat";
}

/**
 * The deadline that `amount` means, milliseconds since 1970 (beyond 2^53 to the nearest double); or the text of the error
 * to answer. `commandName` is for that text.
 */
export function readDeadline(
  amount: string,
  unit: DeadlineUnit,
  nowMs: number,
  commandName: string,
): number | string {
  const inSeconds = unit === "ex" || unit === "exat";
  const fromMs = unit === "ex" || unit === "px" ? nowMs : 0;
  const safe = parseSafeInteger(amount);
  if (safe !== null) {
    if (safe <= 0) return errorFor.invalidExpireTime(commandName);
    const deadlineMs = (inSeconds ? safe * 1000 : safe) + fromMs;
    if (deadlineMs <= Number.MAX_SAFE_INTEGER) return deadlineMs;
  }
  return readLongDeadline(amount, { inSeconds, fromMs, commandName });
}

interface DeadlineBase {
  readonly inSeconds: boolean;
  readonly fromMs: number;
  readonly commandName: string;
}

/** For deadlines past 2^53: everything in 64 bits, whose overflow Redis refuses. */
function readLongDeadline(amount: string, base: DeadlineBase): number | string {
  const value = parseInt64(amount);
  if (value === null) return errors.notAnInteger;
  const deadlineMs = (base.inSeconds ? value * 1000n : value) + BigInt(base.fromMs);
  if (value <= 0n || deadlineMs > int64Max) return errorFor.invalidExpireTime(base.commandName);
  return Number(deadlineMs);
}
