// The family of RAFT.* commands.

import type { Command } from "../command.ts";
import { bootstrapCommands } from "./bootstrap.ts";
import { inspectionCommands } from "./inspection.ts";
import { membershipCommands } from "./membership.ts";
import { peerCommands } from "./peer.ts";

export const raftCommands: readonly Command[] = [
  ...membershipCommands,
  ...inspectionCommands,
  ...peerCommands,
  ...bootstrapCommands,
];
