// Expiry as SET, GETEX, SETEX and PSETEX take it: an amount in one of four units, checked as Redis checks it.

import { parseInteger } from "../../base/parse-integer.ts";
import { errorFor, errors } from "../../resp/errors.ts";
import { deadlineOf } from "../deadline.ts";

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
  const value = parseInteger(amount);
  if (value === null) return errors.notAnInteger;
  if (value <= 0) return errorFor.invalidExpireTime(commandName);
  const unitMs = unit === "ex" || unit === "exat" ? 1000 : 1;
  const fromMs = unit === "ex" || unit === "px" ? nowMs : 0;
  return deadlineOf(value, { unitMs, fromMs, commandName });
}
