// `vlot status`: the cluster at a glance, one line a node, or the same as JSON.

import { loginFor, type NodeReport, otherAddresses, reportOf } from "./ask-node.ts";
import { addressArgument, subcommandFlags } from "./flags.ts";
import { formatAddress } from "../config/parse-value.ts";
import type { Address } from "../config/option.ts";
import type { Credentials } from "../peer/hello.ts";

/** A node as `vlot status --json` shows it. Numbers are null when the node gives no answer. */
export interface NodeStatus {
  readonly address: string;
  readonly id: number | null;
  /** `leader`, `follower`, `candidate`, `pre-candidate`, `learner`, a state such as `uninitialized`, or `unreachable`. */
  readonly role: string;
  readonly term: number | null;
  readonly index: number | null;
  readonly commitIndex: number | null;
  readonly appliedIndex: number | null;
  /** Entries that it has yet to get, counted from the leader's last; null when there is no leader. */
  readonly lag: number | null;
  readonly problem: string | null;
}

/** Prints the status; exit status 0 when a leader is known and every node answers, 1 otherwise. */
export async function status(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { words, flags } = subcommandFlags("status", args, ["json", "password", "help"], 1);
  if (flags.has("help")) {
    console.log("Usage: vlot status [host:port] [--json] [--password word]");
    return 0;
  }
  const login = loginFor(flags.get("password") ?? env["VLOT_REQUIREPASS"]);
  const start = addressArgument(words[0] ?? "");
  const nodes = await statusOf(start, login);
  if (flags.has("json")) console.log(JSON.stringify({ nodes }, null, 2));
  else console.log(table(nodes));
  const healthy =
    nodes.some(({ role }) => role === "leader") && nodes.every(({ problem }) => problem === null);
  return healthy ? 0 : 1;
}

/** Asks the node at `start`, and all that it names. */
export async function statusOf(start: Address, login: Credentials | null): Promise<readonly NodeStatus[]> {
  const first = await reportOf(start, login);
  const others = await Promise.all(otherAddresses(first).map((address) => reportOf(address, login)));
  const reports = [first, ...others];
  const leader = reports.find(({ fields }) => fields.get("raft_role") === "leader");
  const leaderIndex = leader === undefined ? null : numberOf(leader, "raft_current_index");
  return reports.map((report) => nodeStatus(report, leaderIndex));
}

function nodeStatus(report: NodeReport, leaderIndex: number | null): NodeStatus {
  const { address, problem, fields } = report;
  const index = numberOf(report, "raft_current_index");
  const state = fields.get("raft_state") ?? "unreachable";
  const role = fields.get("raft_is_voting") === "no" ? "learner" : (fields.get("raft_role") ?? state);
  return {
    address: formatAddress(address),
    id: numberOf(report, "raft_node_id"),
    role: state === "up" ? role : state,
    term: numberOf(report, "raft_current_term"),
    index,
    commitIndex: numberOf(report, "raft_commit_index"),
    appliedIndex: numberOf(report, "raft_last_applied_index"),
    lag: index === null || leaderIndex === null ? null : Math.max(0, leaderIndex - index),
    problem,
  };
}

function numberOf(report: NodeReport, field: string): number | null {
  const text = report.fields.get(field);
  return text === undefined ? null : Number(text);
}

function table(nodes: readonly NodeStatus[]): string {
  const rows = [
    ["NODE", "ADDRESS", "ROLE", "TERM", "INDEX", "COMMIT", "APPLIED", "LAG", ""],
    ...nodes.map((node) => [
      shown(node.id),
      node.address,
      node.role,
      shown(node.term),
      shown(node.index),
      shown(node.commitIndex),
      shown(node.appliedIndex),
      shown(node.lag),
      node.problem ?? "",
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function shown(value: number | null): string {
  return value === null ? "-" : String(value);
}
