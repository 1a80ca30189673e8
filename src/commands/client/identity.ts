// Who a connection is: CLIENT ID, INFO, SETNAME, GETNAME, SETINFO.

import { errorFor, errors } from "../../resp/errors.ts";
import type { LocalCommand } from "../command.ts";
import { isPrintableName } from "../connection.ts";

const id: LocalCommand = {
  name: "id",
  summary: "Returns the unique client ID of the connection.",
  since: "5.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [],
  scope: "local",
  run({ reply, client }) {
    reply.integer(client.id);
  },
};

const info: LocalCommand = {
  name: "info",
  summary: "Returns information about the connection.",
  since: "6.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [],
  tips: ["nondeterministic_output"],
  scope: "local",
  run({ reply, client }) {
    reply.verbatim("txt", `${client.describe()}\n`);
  },
};

const getName: LocalCommand = {
  name: "getname",
  summary: "Returns the name of the connection.",
  since: "2.6.9",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [],
  scope: "local",
  run({ reply, client }) {
    if (client.name === "") reply.nil();
    else reply.bulk(client.name);
  },
};

const setName: LocalCommand = {
  name: "setname",
  summary: "Sets the connection name.",
  since: "2.6.9",
  group: "connection",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [{ name: "connection-name", type: "string" }],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  scope: "local",
  run({ reply, client }, args) {
    const name = args[2] as string;
    if (!isPrintableName(name)) return reply.error(errors.clientNameInvalid);
    client.name = name;
    reply.ok();
  },
};

const setInfo: LocalCommand = {
  name: "setinfo",
  summary: "Sets information specific to the client or connection.",
  since: "7.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 4,
  flags: ["noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [
    {
      name: "attr",
      type: "oneof",
      arguments: [
        { name: "libname", type: "string", token: "LIB-NAME" },
        { name: "libver", type: "string", token: "LIB-VER" },
      ],
    },
  ],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  scope: "local",
  run({ reply, client }, args) {
    const attribute = args[2] as string;
    const value = args[3] as string;
    const word = attribute.toLowerCase();
    if (word !== "lib-name" && word !== "lib-ver") {
      return reply.error(errorFor.unrecognizedOption(attribute));
    }
    if (!isPrintableName(value)) {
      return reply.error(errorFor.clientAttributeInvalid(word));
    }
    if (word === "lib-name") client.libraryName = value;
    else client.libraryVersion = value;
    reply.ok();
  },
};

export const clientIdentityCommands: readonly LocalCommand[] = [getName, id, info, setInfo, setName];
