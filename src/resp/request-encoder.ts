// A command in RESP, as a client sends it: for our own client side (joining, `vlot status`, tests).

/** The bytes of one command; `args` are byte strings, at least one. O(bytes). */
export function encodeRequest(args: readonly string[]): Buffer {
  return encodeRequests([args]);
}

/** The bytes of a pipeline, in one buffer. */
export function encodeRequests(commands: readonly (readonly string[])[]): Buffer {
  let bytes = 0;
  for (const args of commands) {
    bytes += 1 + decimalDigits(args.length) + 2;
    for (const arg of args) bytes += 1 + decimalDigits(arg.length) + 2 + arg.length + 2;
  }
  const encoded = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const args of commands) {
    at += encoded.latin1Write(`*${args.length}\r\n`, at);
    for (const arg of args) {
      at += encoded.latin1Write(`$${arg.length}\r\n`, at);
      at += encoded.latin1Write(arg, at, arg.length);
      at += encoded.latin1Write("\r\n", at);
    }
  }
  return encoded;
}

function decimalDigits(count: number): number {
  return String(count).length;
}
