// Byte strings: a key, field, value or argument is a JavaScript string with one char per byte, each below 256. The runtime
// stores such a string in one byte per char, and hashes, compares and joins it faster than a Uint8Array.
//
// Node's and Bun's Buffer have a pair of methods for the change of form that the published types leave out; they are
// declared here. Measured: `latin1Slice` 28-56 ns for 3 to 128 bytes (`toString("latin1", …)` 37-61 ns), `latin1Write`
// 15-23 ns (`write(…, "latin1")` 41-47 ns).

declare global {
  interface Buffer {
    /** The bytes `[from, to)` as a byte string; a copy. */
    latin1Slice(from?: number, to?: number): string;
    /** Writes the first `length` chars at `offset`; a char's upper bits are lost. Returns the bytes written. */
    latin1Write(text: string, offset?: number, length?: number): number;
  }
}

/** The byte string of all `bytes`; a copy. */
export function byteStringOf(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.latin1Slice();
}

/** The bytes of a byte string, in a buffer of their own. */
export function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.latin1Write(text, 0, text.length);
  return bytes;
}
