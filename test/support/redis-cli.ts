// redis-cli as a person uses it.

/** Path of this machine's redis-cli; null without one. */
export const redisCliPath = Bun.which("redis-cli");

/** What redis-cli prints for one command, without the line end. Its form is the raw one, as always into a pipe. */
export async function redisCli(port: number, ...args: string[]): Promise<string> {
  if (redisCliPath === null) throw new Error("there is no redis-cli on the PATH");
  const child = Bun.spawn([redisCliPath, "-p", String(port), ...args], { stdin: "ignore", stderr: "pipe" });
  const [output] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  return output.trimEnd();
}
