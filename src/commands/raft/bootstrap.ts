// RAFT.BOOTSTRAP: what nodes with empty directories say to each other before there is a cluster, so that exactly one of
// them founds it. The protocol is told in `node/bootstrap.ts`.

import { errorFor, errors } from "../../resp/errors.ts";
import type { LocalCommand } from "../command.ts";
import { isWord } from "./arguments.ts";
import { raftFacts } from "./facts.ts";

const bootstrap: LocalCommand = {
  ...raftFacts,
  name: "raft.bootstrap",
  summary: "Tells an empty node what this one is, or promises it to join the cluster that it founds.",
  internal: true,
  arity: -2,
  arguments: [
    {
      name: "operation",
      type: "oneof",
      arguments: [
        { name: "state", type: "pure-token", token: "STATE" },
        {
          name: "promise",
          type: "block",
          token: "PROMISE",
          arguments: [
            { name: "founder-address", type: "string" },
            { name: "address-that-gave-way", type: "string", optional: true, multiple: true },
          ],
        },
      ],
    },
  ],
  run({ reply, cluster }, args) {
    const word = args[1] as string;
    if (isWord(word, "state") && args.length === 2) {
      const fields = cluster.bootstrapFields();
      reply.array(fields.length);
      for (const field of fields) reply.bulk(field);
    } else if (isWord(word, "promise") && args.length >= 3) {
      if (cluster.promiseFounder(args[2] as string, args.slice(3))) reply.ok();
      else reply.error(errors.founderRefused);
    } else {
      reply.error(errorFor.wrongArity("raft.bootstrap"));
    }
  },
};

export const bootstrapCommands: readonly LocalCommand[] = [bootstrap];
