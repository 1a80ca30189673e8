// RESP replies as byte strings: where one ends in a stream, and what its elements are. Knows RESP2 and RESP3.

const lengthKinds = "$=!";
const aggregateKinds = "*~>%";

/** Offset just behind the reply that starts at `from`; -1 if it is not all there. */
export function replyEnd(stream: string, from: number): number {
  const lineEnd = stream.indexOf("\r\n", from);
  if (lineEnd < 0) return -1;
  const kind = stream[from] ?? "";
  const bodyFrom = lineEnd + 2;
  if (lengthKinds.includes(kind)) {
    const length = Number(stream.slice(from + 1, lineEnd));
    if (length < 0) return bodyFrom;
    const end = bodyFrom + length + 2;
    return end <= stream.length ? end : -1;
  }
  if (!aggregateKinds.includes(kind)) return bodyFrom;
  let at = bodyFrom;
  for (let left = elementCount(stream.slice(from, lineEnd)); left > 0; left--) {
    at = replyEnd(stream, at);
    if (at < 0) return -1;
  }
  return at;
}

/** The elements of an aggregate (keys and values of a map in turn); null for any other reply. */
export function elementsOf(reply: string): readonly string[] | null {
  if (!aggregateKinds.includes(reply[0] ?? " ")) return null;
  const elements: string[] = [];
  let at = reply.indexOf("\r\n") + 2;
  while (at < reply.length) {
    const end = replyEnd(reply, at);
    elements.push(reply.slice(at, end));
    at = end;
  }
  return elements;
}

/** The bytes of a bulk string; null for any other reply. */
export function bulkOf(reply: string): string | null {
  return reply[0] === "$" && reply[1] !== "-" ? reply.slice(reply.indexOf("\r\n") + 2, -2) : null;
}

/** The value of an integer reply; null for any other. */
export function integerOf(reply: string): bigint | null {
  return reply[0] === ":" ? BigInt(reply.slice(1, -2)) : null;
}

export function isError(reply: string): boolean {
  return reply[0] === "-" || reply[0] === "!";
}

function elementCount(line: string): number {
  const count = Math.max(0, Number(line.slice(1)));
  return line[0] === "%" ? count * 2 : count;
}
