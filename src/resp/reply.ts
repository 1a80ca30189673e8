// What a command may answer, without knowing the protocol version or where the bytes go. `reply-buffer.ts` encodes it
// as RESP2 or RESP3; `no-reply.ts` drops it, for replicas that apply an entry whose client is elsewhere.

/** Strings here are byte strings: one char per byte, each below 256. */
export interface Reply {
  /** 2 or 3, as the client chose with HELLO. */
  readonly protocol: 2 | 3;
  /** `+OK` */
  ok(): void;
  /** A simple string; `text` holds no CR or LF. */
  simple(text: string): void;
  /** An error; `text` starts with its code (`ERR …`, `WRONGTYPE …`) and has no leading dash. CR and LF become spaces, but those at the end vanish. */
  error(text: string): void;
  /** A signed 64-bit integer; a number must be a safe integer. */
  integer(value: number | bigint): void;
  bulk(value: string): void;
  /** The nil of a missing value: `$-1` in RESP2, `_` in RESP3. */
  nil(): void;
  /** The nil of a missing array: `*-1` in RESP2, `_` in RESP3. */
  nilArray(): void;
  /** Announces `length` elements, which follow as `length` further calls. */
  array(length: number): void;
  /** Announces `pairs` keys and values; in RESP2 an array of twice as many elements. */
  map(pairs: number): void;
  /** Announces a set; in RESP2 an array. */
  set(length: number): void;
  /** An out-of-band message; in RESP2 an array. */
  push(length: number): void;
  /** A float; in RESP2 a bulk string with the same digits. Redis' shortest form, `inf`, `-inf`, `nan`. */
  double(value: number): void;
  /** `#t` / `#f`; in RESP2 the integers 1 and 0. */
  boolean(value: boolean): void;
  /** Decimal digits; in RESP2 a bulk string. */
  bigNumber(digits: string): void;
  /** Text with a three-letter format (`txt`, `mkd`); in RESP2 a bulk string. */
  verbatim(format: string, text: string): void;
}
