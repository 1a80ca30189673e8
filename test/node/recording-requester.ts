// A client's stand-in that notes what becomes of its requests.

import { CommandTable } from "../../src/commands/table.ts";
import { Request, type Requester } from "../../src/node/request.ts";
import { ReplyBuffer } from "../../src/resp/reply-buffer.ts";

export const commands = new CommandTable();

export class RecordingRequester implements Requester {
  readonly noTouch = false;
  readonly reply = new ReplyBuffer();
  pendingReads = 0;
  pendingWrites = 0;
  pendingProxied = 0;
  /** `GET a: $1 …` for an answer, `GET a taken back`, in the order of the calls. */
  readonly events: string[] = [];

  /** A request of this requester for `line`, split at spaces. */
  request(line: string): Request {
    const args = line.split(" ");
    const found = commands.lookup(args);
    if (found.kind === "error" || found.command.scope !== "data") throw new Error(`no data command: ${line}`);
    return new Request(this, found.command, args, 0, found.isWrite);
  }

  answered(request: Request): void {
    this.#note(request, this.reply.takeAll());
  }

  answeredByLeader(request: Request, encodedReply: Uint8Array): void {
    this.#note(request, encodedReply);
  }

  takeBack(request: Request): void {
    this.events.push(`${request.args.join(" ")} taken back`);
  }

  #note(request: Request, reply: Uint8Array): void {
    const text = Buffer.from(reply).toString("latin1").trim().replaceAll("\r\n", " ");
    this.events.push(`${request.args.join(" ")}: ${text}`);
  }
}
