// What the subcommands ask running nodes, as any client could.

import type { Address } from "../config/option.ts";
import { callRemote } from "../node/remote-call.ts";
import { systemClock } from "../node/system-clock.ts";
import { BunNetwork } from "../peer/bun-network.ts";
import type { Credentials } from "../peer/hello.ts";
import type { ReplyValue } from "../resp/reply-parser.ts";

const network = new BunNetwork(systemClock);
const timeoutMs = 2000;

/** One command to one node. The reply, or why there is none. */
export function askNode(
  address: Address,
  login: Credentials | null,
  args: readonly string[],
): Promise<ReplyValue | { readonly kind: "unreachable"; readonly reason: string }> {
  return new Promise((resolve) => {
    const { host, port } = address;
    callRemote({ network, clock: systemClock, host, port, credentials: login, args, timeoutMs }, (answer) =>
      resolve(answer.kind === "reply" ? answer.value : { kind: "unreachable", reason: answer.reason }),
    );
  });
}

/** What INFO raft tells of one node; null when it gave no answer. */
export interface NodeReport {
  readonly address: Address;
  readonly problem: string | null;
  readonly fields: ReadonlyMap<string, string>;
}

/** Asks a node for INFO raft. */
export async function reportOf(address: Address, login: Credentials | null): Promise<NodeReport> {
  const reply = await askNode(address, login, ["INFO", "raft"]);
  const fields = new Map<string, string>();
  if (reply.kind === "unreachable") return { address, problem: reply.reason, fields };
  if (reply.kind === "error") return { address, problem: reply.text, fields };
  const text = reply.kind === "bulk" || reply.kind === "verbatim" ? reply.text : "";
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return { address, problem: fields.has("raft_state") ? null : "it is no vlot node", fields };
}

/** The addresses of the other members that a report names. */
export function otherAddresses(report: NodeReport): Address[] {
  const addresses: Address[] = [];
  for (const [name, value] of report.fields) {
    if (!/^raft_node\d+$/.test(name)) continue;
    const host = /(?:^|,)addr=([^,]*)/.exec(value)?.[1];
    const port = /(?:^|,)port=(\d+)/.exec(value)?.[1];
    if (host !== undefined && port !== undefined) addresses.push({ host, port: Number(port) });
  }
  return addresses;
}

/** The login for a password given by flag or environment; null without one. */
export function loginFor(password: string | undefined): Credentials | null {
  return password === undefined || password === "" ? null : { user: "default", password };
}
