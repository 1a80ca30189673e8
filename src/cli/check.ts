// `vlot check`: what a data directory holds and whether a node could start on it, told without changing a byte. The exit
// status is the one with which the server would refuse to start, so that a script can decide by it.

import { resolve } from "node:path";
import {
  ConfigError,
  damagedExitStatus,
  foreignExitStatus,
  startExitStatus,
  usageExitStatus,
} from "../config/config-error.ts";
import { formatAddress } from "../config/parse-value.ts";
import { type CheckedNode, checkDirectory, type CheckReport } from "../storage/check-directory.ts";
import type { Finding, Severity } from "../storage/check-finding.ts";
import { DiskError } from "../storage/disk.ts";
import { StorageError } from "../storage/errors.ts";
import { ReadOnlyDisk } from "../storage/read-only-disk.ts";
import { subcommandFlags } from "./flags.ts";

const usage = `Usage: vlot check <directory> [--json]

Verifies a data directory that no server uses: every record of the log, term and vote, identity and notes. Changes
nothing. Also takes the folder of one node in it (node, removed-<id>, damaged-<id>).

Exit status:
  0  sound: a node starts on it, after mending what is said to be mended
  1  there is nothing to check, or it cannot be read
  2  wrong command line
  3  in use by a running server, of another cluster or node, or written by a newer version
  4  damaged; each finding names file, offset and the way out`;

/** Prints what was found; the exit status as `usage` says. */
export async function check(args: readonly string[]): Promise<number> {
  const { words, flags } = subcommandFlags("check", args, ["json", "help"], 1);
  if (flags.has("help")) {
    console.log(usage);
    return 0;
  }
  const [directory] = words;
  if (directory === undefined) {
    throw new ConfigError("BAD_ARGUMENTS", "vlot check takes a directory", usageExitStatus);
  }
  const json = flags.has("json");
  try {
    const report = checkDirectory(new ReadOnlyDisk(), resolve(directory));
    const status = statusOf(report);
    console.log(json ? JSON.stringify({ status, ...report }, null, 2) : printable(textOf(report)));
    return status;
  } catch (error) {
    if (!(error instanceof StorageError || error instanceof DiskError)) throw error;
    console.error(printable(`vlot check: ${error.message}`));
    return error instanceof StorageError ? foreignExitStatus : startExitStatus;
  }
}

function statusOf({ kind, findings }: CheckReport): number {
  const found = (severity: Severity): boolean => findings.some((finding) => finding.severity === severity);
  if (kind === "nothing") return startExitStatus;
  if (found("damage")) return damagedExitStatus;
  if (found("foreign")) return foreignExitStatus;
  return found("unchecked") ? startExitStatus : 0;
}

// ── For people ──────────────────────────────────────────────────────────────────────────────────────────────────────

function textOf(report: CheckReport): string {
  const { path, kind, node, founderPromise, findings } = report;
  if (kind === "nothing") return `${path}: there is nothing of vlot's to check here`;
  const lines = [`${path}: ${kind === "node" ? "the files of a node" : "a data directory"}`];
  if (node === null) lines.push("  no node: it belongs to no cluster");
  else lines.push(...nodeLines(node).map((line) => `  ${line}`));
  if (founderPromise !== "") lines.push(`  has promised to join ${founderPromise}`);
  lines.push(...findings.map(findingLine), verdictOf(report));
  return lines.join("\n");
}

function nodeLines({ identity, hardState, log, membership }: CheckedNode): string[] {
  const lines: string[] = [];
  if (identity !== null) {
    const { nodeId, clusterId, address } = identity;
    lines.push(`node ${nodeId} of cluster ${clusterId}, at ${formatAddress(address)}`);
  }
  if (hardState !== null) {
    const { currentTerm, votedFor, securedIndex } = hardState;
    const vote = votedFor === 0 ? "no vote" : `vote for node ${votedFor}`;
    lines.push(`term ${currentTerm}, ${vote}; known to be committed: entries up to ${securedIndex}`);
  }
  if (log !== null) {
    const { entryCount, firstIndex, lastIndex, lastTerm, segmentCount, sizeBytes } = log;
    const entries =
      entryCount === 0
        ? "no entries"
        : `${counted(entryCount, "entry", "entries")}, ${firstIndex} to ${lastIndex}, the last of term ${lastTerm}`;
    lines.push(`log: ${entries}, in ${counted(segmentCount, "segment", "segments")} of ${sizeBytes} bytes`);
  }
  if (membership !== null) {
    const members = membership.membership.members.map(({ id, host, port, voting }) => {
      return `${id} at ${formatAddress({ host, port })}${voting ? "" : " (not voting)"}`;
    });
    const since = membership.index === 0 ? "from the founding" : `from entry ${membership.index}`;
    lines.push(`members, ${since}: ${members.length === 0 ? "none" : members.join(", ")}`);
  }
  return lines;
}

function findingLine({ severity, path, offset, text }: Finding): string {
  // The messages of errors name their places themselves.
  if (text.includes(path)) return `${severity}: ${text}`;
  return `${severity}: ${path}${offset === null ? "" : ` at offset ${offset}`}: ${text}`;
}

function verdictOf(report: CheckReport): string {
  const count = (severity: Severity): number =>
    report.findings.filter((finding) => finding.severity === severity).length;
  const repairs = count("repair");
  switch (statusOf(report)) {
    case damagedExitStatus:
      return `DAMAGED (${counted(count("damage"), "finding", "findings")}): a node must not go on with these files.`;
    case foreignExitStatus:
      return "NOT USABLE HERE: some files are another node's or a newer version's; nothing else is wrong.";
    case startExitStatus:
      return `UNKNOWN: ${counted(count("unchecked"), "file", "files")} could not be read; run it as the user of the server.`;
    default:
      return repairs === 0 ? "SOUND." : `SOUND: the next start mends what is marked "repair" (${repairs}).`;
  }
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Names in damaged files may hold anything, and a terminal obeys some of it. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, "?");
}
