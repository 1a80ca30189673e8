// Runs readable scripts against a cluster of cores. A script is a text file: a line at the margin is a command, the
// lines indented below it are exactly what the command prints. Every message waits in its link until it is delivered,
// and nothing moves by itself, so a script tells one history step by step. `UPDATE=1` writes what was printed into the
// files instead of comparing.
//
//    cluster <n> [learner <id>…]        nodes 1…n, all voting but the learners, empty logs
//    founder <id> | joiner <id>         a single-node cluster, a node that belongs nowhere yet
//    disk <id> term=<t> vote=<id> log=<term>,<term>,…      restarts the node with this on its disk
//    option <name> <value>              a tuning option, on all nodes
//    tick <ms> [<id>…]                  time passes, for all nodes or these only
//    campaign <id>                      time passes for this node until its election timeout
//    deliver [<from>-><to>…] [#<n>]     everything until all is quiet; or what waits in these links; or its n-th message
//    drop [<from>-><to>…]               loses what waits
//    cut <id>-<id>… | isolate <id> | heal        links that lose whatever is sent from now on
//    propose <id> <n> [read]            n commands in one turn, and then a read in that turn
//    read <id> [<n>]                    n reads in one turn
//    add <id> <new> | promote <id> <member> | remove <id> <member> | replace <id> <member> <new>      asked of the first
//    transfer <id> <to> | timeout-now <id>
//    sync-by-hand <id> | sync <id>      entries count as stable only when told so | now
//    room <id> all|control|none         what its log has room for
//    unreachable <id> <peer> | leader-lost <id>
//    compact <id> <index> | install-snapshot <id> <source> | crash <id> | restart <id>
//    status [<id>…] | log <id>… | peers <id> | waiting
//    quietly <command>                  prints nothing
//
// Node n's election timeout is 1000 + 10n ms, always; heartbeats are sent every 200 ms. `i@t` is entry i of term t.

import { assert } from "../../src/base/assert.ts";
import type { MembershipChange } from "../../src/raft/membership.ts";
import type { RaftTuning } from "../../src/raft/options.ts";
import type { EntryKind, Membership, Message, NodeId, Room, Term } from "../../src/raft/types.ts";
import { Entry } from "../../src/raft/types.ts";
import { MemoryNode, membershipOf } from "./memory-node.ts";

interface ScriptNode {
  readonly id: NodeId;
  readonly founding: Membership | null;
  node: MemoryNode;
  nowMs: number;
  syncsByHand: boolean;
  isUp: boolean;
  /** What was last printed of it. */
  seen: { role: string; commitIndex: number; confirmedRound: number };
}

type Command = (...words: string[]) => void;

export class ScriptRunner {
  readonly #nodes = new Map<NodeId, ScriptNode>();
  #waiting: Message[] = [];
  readonly #cut = new Set<string>();
  #tuning: Partial<RaftTuning> = {};
  #output: string[] = [];

  readonly #commands: Record<string, Command> = {
    cluster: (size, _, ...learners) => this.#cluster(Number(size), learners.map(Number)),
    founder: (id) => this.#create(Number(id), membershipOf([Number(id)])),
    joiner: (id) => this.#create(Number(id), null),
    disk: (id, ...fields) => this.#disk(this.#node(id), fields),
    option: (name, value) => this.#option(name, Number(value)),
    tick: (ms, ...ids) => this.#tick(Number(ms), ids),
    campaign: (id) => this.#campaign(this.#node(id)),
    deliver: (...links) => this.#deliver(links),
    drop: (...links) => this.#take(links),
    cut: (...pairs) => this.#cutLinks(pairs),
    isolate: (id) => this.#cutLinks([...this.#nodes.keys()].map((other) => `${id}-${other}`)),
    heal: () => this.#cut.clear(),
    propose: (id, count, read) => this.#propose(this.#node(id), Number(count), read === "read"),
    read: (id, count) => this.#read(this.#node(id), Number(count ?? 1)),
    add: (id, member) =>
      this.#change(id, { kind: "add-learner", id: Number(member), host: "localhost", port: 7000 }),
    promote: (id, member) => this.#change(id, { kind: "promote", id: Number(member) }),
    remove: (id, member) => this.#change(id, { kind: "remove", id: Number(member) }),
    replace: (id, member, by) =>
      this.#change(id, {
        kind: "replace",
        id: Number(member),
        by: Number(by),
        host: "localhost",
        port: 7000,
      }),
    transfer: (id, to) =>
      this.#on(this.#node(id), ({ raft }, nowMs) =>
        show("refused", raft.transferLeadership(Number(to), nowMs)),
      ),
    "timeout-now": (id) =>
      this.#on(this.#node(id), ({ raft }, nowMs) => show("refused", raft.campaignNow(nowMs))),
    "sync-by-hand": (id) => void (this.#node(id).syncsByHand = true),
    sync: (id) => this.#on(this.#node(id), (node) => show("", node.sync())),
    room: (id, room) =>
      this.#on(this.#node(id), (node, nowMs) => show("", node.setRoom(room as Room, nowMs))),
    unreachable: (id, peer) =>
      this.#on(this.#node(id), ({ raft }) => show("", raft.peerUnreachable(Number(peer)))),
    "leader-lost": (id) =>
      this.#on(this.#node(id), ({ raft }, nowMs) => show("", raft.leaderUnreachable(nowMs))),
    compact: (id, index) => this.#node(id).node.log.compact(Number(index)),
    "install-snapshot": (id, source) => this.#installSnapshot(this.#node(id), this.#node(source)),
    crash: (id) => this.#crash(this.#node(id)),
    restart: (id) => this.#restart(this.#node(id)),
    status: (...ids) => this.#each(ids, (scripted) => this.#status(scripted)),
    log: (...ids) =>
      this.#each(ids, ({ node: { raft, log } }) => this.#print(`${raft.id}: ${describeLog(log)}`)),
    peers: (id) => this.#peers(this.#node(id)),
    waiting: () => this.#waiting.forEach((message) => this.#print(describeMessage(message))),
  };

  /** Executes one line; returns what it prints. */
  execute(line: string): string[] {
    this.#output = [];
    const words = line.trim().split(/\s+/);
    const isQuiet = words[0] === "quietly";
    if (isQuiet) words.shift();
    const [verb, ...rest] = words;
    const command = this.#commands[verb ?? ""];
    if (command === undefined) throw new Error(`unknown command: ${line}`);
    command(...rest);
    return isQuiet ? [] : this.#output;
  }

  #print(line: string): void {
    this.#output.push(line);
  }

  // ── Nodes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #node(id: string | undefined): ScriptNode {
    const scripted = this.#nodes.get(Number(id));
    if (scripted === undefined) throw new Error(`no node ${id}`);
    return scripted;
  }

  #each(ids: readonly string[], action: (scripted: ScriptNode) => void): void {
    for (const id of ids.length > 0 ? ids : [...this.#nodes.keys()].map(String)) action(this.#node(id));
  }

  #cluster(size: number, learners: readonly NodeId[]): void {
    const ids = Array.from({ length: size }, (_, at) => at + 1);
    const voters = ids.filter((id) => !learners.includes(id));
    for (const id of ids) this.#create(id, membershipOf(voters, learners));
  }

  #create(id: NodeId, founding: Membership | null): void {
    const node = this.#start(id, founding, 0);
    const seen = { role: "", commitIndex: 0, confirmedRound: 0 };
    const scripted = { id, founding, node, nowMs: 0, syncsByHand: false, isUp: true, seen };
    seen.role = describeRole(scripted);
    this.#nodes.set(id, scripted);
    if (node.raft.role !== "follower") seen.role = "";
    this.#settle(scripted);
  }

  #start(id: NodeId, founding: Membership | null, nowMs: number, prepare?: (node: Disk) => void): MemoryNode {
    const random = { below: (bound: number) => (10 * id) % bound };
    return new MemoryNode({ id, founding, random, tuning: this.#tuning, nowMs }, prepare);
  }

  #disk(scripted: ScriptNode, fields: readonly string[]): void {
    const field = (name: string): string =>
      fields.find((each) => each.startsWith(`${name}=`))?.split("=")[1] ?? "";
    const terms = field("log") === "" ? [] : field("log").split(",").map(Number);
    const entries = terms.map((term, at) => new Entry(at + 1, term, kindAt(terms, at), 0, null, null));
    scripted.node = this.#start(scripted.id, scripted.founding, scripted.nowMs, (disk) => {
      disk.hardState = { currentTerm: Number(field("term")), votedFor: Number(field("vote")) };
      disk.log.append(entries);
    });
    scripted.seen = { role: describeRole(scripted), commitIndex: 0, confirmedRound: 0 };
  }

  #option(name: string | undefined, value: number): void {
    const key = (name ?? "").replace(/-(.)/g, (_, letter: string) =>
      letter.toUpperCase(),
    ) as keyof RaftTuning;
    this.#tuning = { ...this.#tuning, [key]: value };
    for (const { node } of this.#nodes.values()) node.raft.configure(this.#tuning);
  }

  #crash(scripted: ScriptNode): void {
    scripted.isUp = false;
    scripted.node.log.crash({ below: () => 0 });
  }

  #installSnapshot(scripted: ScriptNode, source: ScriptNode): void {
    scripted.node.log.installSnapshot(source.node.log);
    this.#restart(scripted);
  }

  #restart(scripted: ScriptNode): void {
    scripted.isUp = true;
    scripted.node.restart(scripted.nowMs);
    scripted.seen = { role: "", commitIndex: scripted.node.raft.commitIndex, confirmedRound: 0 };
    this.#settle(scripted);
  }

  // ── Input ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does something to a node, prints what it says, and does what it then asks for. */
  #on(scripted: ScriptNode, input: (node: MemoryNode, nowMs: number) => string | null): void {
    const said = input(scripted.node, scripted.nowMs);
    if (said !== null) this.#print(`${scripted.id}: ${said}`);
    this.#settle(scripted);
  }

  #tick(ms: number, ids: readonly string[]): void {
    this.#each(ids, (scripted) => {
      scripted.nowMs += ms;
      if (scripted.isUp) this.#on(scripted, ({ raft }, nowMs) => show("", raft.tick(nowMs)));
    });
  }

  #campaign(scripted: ScriptNode): void {
    this.#tick(scripted.node.raft.wakeAtMs - scripted.nowMs, [String(scripted.id)]);
  }

  #propose(scripted: ScriptNode, count: number, isRead: boolean): void {
    this.#on(scripted, ({ raft }) => {
      for (let nth = 0; nth < count; nth++) {
        const entry = raft.propose("command", 0, new Uint8Array(36));
        if (typeof entry === "string") return `refused: ${entry}`;
      }
      return isRead ? `reads in round ${raft.requestRead()}` : null;
    });
  }

  #read(scripted: ScriptNode, count: number): void {
    this.#on(scripted, ({ raft }) => {
      const rounds = Array.from({ length: count }, () => raft.requestRead() ?? "refused");
      return `reads in round ${rounds.join(" ")}`;
    });
  }

  #change(id: string | undefined, change: MembershipChange): void {
    this.#on(this.#node(id), ({ raft }) => {
      const entry = raft.proposeMembership(change, 0);
      return typeof entry === "string" ? `refused: ${entry}` : null;
    });
  }

  // ── Network ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #deliver(links: readonly string[]): void {
    if (links.length > 0) {
      for (const message of this.#take(links)) this.#deliverOne(message);
      return;
    }
    for (let count = 0; this.#waiting.length > 0; count++) {
      assert(count < 1000, "a cluster falls silent");
      const message = this.#waiting.shift();
      if (message !== undefined) this.#deliverOne(message);
    }
  }

  /** Removes what waits in the links `from->to`, or in all; with `#n` only the n-th of it. */
  #take(words: readonly string[]): Message[] {
    const nth = words.find((word) => word.startsWith("#"))?.slice(1);
    const links = words.filter((word) => !word.startsWith("#"));
    const isMeant = (message: Message): boolean =>
      links.length === 0 || links.includes(`${message.from}->${message.to}`);
    const meant = this.#waiting.filter(isMeant);
    const taken = nth === undefined ? meant : meant.slice(Number(nth) - 1, Number(nth));
    this.#waiting = this.#waiting.filter((message) => !taken.includes(message));
    return taken;
  }

  #deliverOne(message: Message): void {
    const scripted = this.#nodes.get(message.to);
    if (scripted === undefined || !scripted.isUp) return;
    this.#print(describeMessage(message));
    this.#on(scripted, (node, nowMs) => show("refused", node.receive(message, nowMs)));
  }

  #cutLinks(pairs: readonly string[]): void {
    for (const pair of pairs) {
      const [one, other] = pair.split("-");
      this.#cut.add(`${one}->${other}`).add(`${other}->${one}`);
    }
  }

  /** Handles what the core asks for and prints what changed. */
  #settle(scripted: ScriptNode): void {
    const { node, id } = scripted;
    const appended: string[] = [];
    while (node.raft.hasReady) {
      for (const message of node.handleReady((entries) => appended.push(...entries.map(describeEntry)))) {
        if (!this.#cut.has(`${message.from}->${message.to}`)) this.#waiting.push(message);
      }
      if (!scripted.syncsByHand) node.sync();
    }
    const { raft } = node;
    if (raft.commitIndex > raft.appliedIndex) raft.applied(raft.commitIndex);
    const role = describeRole(scripted);
    if (role !== scripted.seen.role) this.#print(`${id}: ${role}`);
    if (appended.length > 0) this.#print(`${id}: appends ${appended.join(" ")}`);
    if (raft.commitIndex !== scripted.seen.commitIndex) this.#print(`${id}: commits ${raft.commitIndex}`);
    if (node.confirmedRound > scripted.seen.confirmedRound)
      this.#print(`${id}: confirms round ${node.confirmedRound}`);
    scripted.seen = { role, commitIndex: raft.commitIndex, confirmedRound: node.confirmedRound };
  }

  // ── Output ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #status(scripted: ScriptNode): void {
    const { raft } = scripted.node;
    const members = raft.membership.members.map(({ id, voting }) => (voting ? `${id}` : `(${id})`));
    const log = `log ${raft.firstIndex}-${raft.lastIndex} stable ${raft.stableIndex} commit ${raft.commitIndex}`;
    this.#print(`${raft.id}: ${describeRole(scripted)}; ${log}; members ${members.join(" ")}`);
  }

  #peers(scripted: ScriptNode): void {
    for (const peer of scripted.node.raft.peers()) {
      const kind = peer.leaving ? "leaving" : peer.voting ? "voter" : "learner";
      const full = peer.full ? ", full" : "";
      this.#print(
        `${peer.id}: ${kind}, ${peer.state}, match ${peer.matchIndex}, next ${peer.nextIndex}, ${peer.inflightCount} in flight${full}`,
      );
    }
  }
}

type Disk = Pick<MemoryNode, "log" | "hardState">;

/** `label: value` for an answer worth printing; null for none. */
function show(label: string, answer: string | number | null | void): string | null {
  return answer === null || answer === undefined ? null : `${label}: ${answer}`;
}

function describeRole({ node: { raft } }: ScriptNode): string {
  const leader =
    raft.role === "follower" ? (raft.leaderId === 0 ? ", no leader" : ` of ${raft.leaderId}`) : "";
  return `${raft.role}${leader}, term ${raft.currentTerm}`;
}

function describeEntry(entry: Entry): string {
  const members = entry.membership?.members.map(({ id, voting }) => (voting ? `${id}` : `(${id})`)).join(" ");
  const what = members === undefined ? entry.kind : `members ${members}`;
  return entry.kind === "command" ? `${entry.index}@${entry.term}` : `${entry.index}@${entry.term}[${what}]`;
}

function describeMessage(message: Message): string {
  return `${message.from}->${message.to} ${describeContent(message)}`;
}

function describeContent(message: Message): string {
  switch (message.kind) {
    case "RequestVote": {
      const transfer = message.leadershipTransfer ? ", transfer" : "";
      const name = message.preVote ? "PreVote" : "RequestVote";
      return `${name} for term ${message.term}, log ends at ${message.lastLogIndex}@${message.lastLogTerm}${transfer}`;
    }
    case "RequestVoteResponse": {
      const name = message.preVote ? "PreVoteResponse" : "RequestVoteResponse";
      return `${name}, ${message.voteGranted ? "granted" : "refused"}, term ${message.term}`;
    }
    case "AppendEntries": {
      const entries = message.entries.map((entry) => ` ${entry.index}@${entry.term}`).join("");
      const name = message.entries.length === 0 ? "heartbeat" : `AppendEntries${entries}`;
      const after = `after ${message.prevLogIndex}@${message.prevLogTerm}`;
      return `${name} ${after}, commit ${message.leaderCommit}, term ${message.term}${describeRound(message.round)}`;
    }
    case "AppendEntriesResponse": {
      const { rejectedIndex, hintIndex, hintTerm, matchIndex } = message;
      const full = message.full ? ", full" : "";
      const answer = message.success
        ? `match ${matchIndex}`
        : `no ${rejectedIndex}, try ${hintIndex}@${hintTerm}`;
      return `${answer}, term ${message.term}${describeRound(message.round)}${full}`;
    }
    case "TimeoutNow":
      return `TimeoutNow, term ${message.term}`;
  }
}

function describeRound(round: number): string {
  return round === 0 ? "" : `, round ${round}`;
}

/** The terms of a log's entries, as in the dissertation's figures. */
function describeLog(log: MemoryNode["log"]): string {
  const terms = log.slice(log.firstIndex, log.lastIndex + 1).map((entry) => entry.term);
  return log.firstIndex === 1 ? terms.join(" ") : `(${log.firstIndex - 1}) ${terms.join(" ")}`;
}

function kindAt(terms: readonly Term[], at: number): EntryKind {
  return terms[at] === terms[at - 1] ? "command" : "empty";
}
