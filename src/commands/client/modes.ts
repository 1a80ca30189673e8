// How a connection wants to be treated: CLIENT REPLY, NO-EVICT, NO-TOUCH, and the truth about tracking, which vlot
// does not offer: GETREDIR and TRACKINGINFO say that it is off.

import { errors } from "../../resp/errors.ts";
import type { ArgumentSpec, LocalCommand } from "../command.ts";

const onOff: ArgumentSpec = {
  name: "enabled",
  type: "oneof",
  arguments: [
    { name: "on", type: "pure-token", token: "ON" },
    { name: "off", type: "pure-token", token: "OFF" },
  ],
};

/** The value of ON and OFF in any case, undefined for another word. */
function switchOf(word: string): boolean | undefined {
  const lower = word.toLowerCase();
  if (lower === "on") return true;
  return lower === "off" ? false : undefined;
}

const reply: LocalCommand = {
  name: "reply",
  summary: "Instructs the server whether to reply to commands.",
  since: "3.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [
    {
      name: "action",
      type: "oneof",
      arguments: [
        { name: "on", type: "pure-token", token: "ON" },
        { name: "off", type: "pure-token", token: "OFF" },
        { name: "skip", type: "pure-token", token: "SKIP" },
      ],
    },
  ],
  scope: "local",
  run(context, args) {
    const { client } = context;
    switch ((args[2] as string).toLowerCase()) {
      case "on":
        client.replyMode = "on";
        // The client has another reply by now than the one that this command began with.
        client.reply.ok();
        return;
      case "off":
        client.replyMode = "off";
        return;
      case "skip":
        if (client.replyMode !== "off") client.replyMode = "skip-next";
        return;
      default:
        context.reply.error(errors.syntax);
    }
  },
};

const noEvict: LocalCommand = {
  name: "no-evict",
  summary: "Sets the client eviction mode of the connection.",
  since: "7.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 3,
  flags: ["admin", "noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [onOff],
  scope: "local",
  run(context, args) {
    const on = switchOf(args[2] as string);
    if (on === undefined) return context.reply.error(errors.syntax);
    context.client.noEvict = on;
    context.reply.ok();
  },
};

const noTouch: LocalCommand = {
  name: "no-touch",
  summary: "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
  since: "7.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [onOff],
  scope: "local",
  run(context, args) {
    const on = switchOf(args[2] as string);
    if (on === undefined) return context.reply.error(errors.syntax);
    context.client.noTouch = on;
    context.reply.ok();
  },
};

const getRedir: LocalCommand = {
  name: "getredir",
  summary: "Returns the client ID to which the connection's tracking notifications are redirected.",
  since: "6.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [],
  scope: "local",
  run(context) {
    context.reply.integer(-1);
  },
};

const trackingInfo: LocalCommand = {
  name: "trackinginfo",
  summary: "Returns information about server-assisted client-side caching for the connection.",
  since: "6.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [],
  scope: "local",
  run(context) {
    const out = context.reply;
    out.map(3);
    out.bulk("flags");
    out.set(1);
    out.bulk("off");
    out.bulk("redirect");
    out.integer(-1);
    out.bulk("prefixes");
    out.array(0);
  },
};

export const clientModeCommands: readonly LocalCommand[] = [getRedir, noEvict, noTouch, reply, trackingInfo];
