// Loopback ports that nobody uses. The kernel picks them; Linux gives those it picks for listening and those it picks for
// outgoing connections different parity, so a node that is down for a while finds its port free again.

/** `count` different ports. All are held until the last is found, so that none is given twice. */
export function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () =>
    Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } }),
  );
  const ports = listeners.map((listener) => listener.port);
  for (const listener of listeners) listener.stop(true);
  return ports;
}

/** The first of `count` free ports in a row. */
export function freePortRow(count: number): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [first = 0] = freePorts(1);
    const row = Array.from({ length: count }, (_, offset) => first + offset);
    if (row.every(isFree)) return first;
  }
  throw new Error(`there are no ${count} free ports in a row`);
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } }).stop(true);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") return false;
    throw error;
  }
}
