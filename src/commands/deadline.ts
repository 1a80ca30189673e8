// A deadline from an amount of time, in Redis' 64 bits: what EXPIRE and its kin, SET and GETEX have in common.

import { int64Max, int64Min } from "../base/parse-integer.ts";
import { errorFor } from "../resp/errors.ts";

/** What an amount counts, and from where. */
export interface DeadlineScale {
  readonly unitMs: 1 | 1000;
  readonly fromMs: number;
  /** For the error. */
  readonly commandName: string;
}

/**
 * The deadline that a 64-bit `amount` means, milliseconds since 1970 (beyond 2^53 to the nearest double); or the text of the
 * error to answer when it leaves 64 bits on the way.
 */
export function deadlineOf(amount: number | bigint, scale: DeadlineScale): number | string {
  if (typeof amount === "number") {
    const productMs = amount * scale.unitMs;
    const deadlineMs = productMs + scale.fromMs;
    if (Number.isSafeInteger(productMs) && Number.isSafeInteger(deadlineMs)) return deadlineMs;
  }
  const productMs = BigInt(amount) * BigInt(scale.unitMs);
  const deadlineMs = productMs + BigInt(scale.fromMs);
  if (productMs < int64Min || deadlineMs > int64Max) return errorFor.invalidExpireTime(scale.commandName);
  return Number(deadlineMs);
}
