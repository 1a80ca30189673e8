// A node's stand-in on the virtual network, for those who call nodes as clients do: it notes the commands that it gets
// and answers what a script says.

import { RequestParser } from "../../src/resp/request-parser.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { plainStation, VirtualNetwork } from "../sim/virtual-network.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

/** The encoded reply to a command, null for none ever, "close" to end the connection instead. */
export type Script = (line: string) => string | null;

export class ScriptedNetwork {
  readonly time = new VirtualTime();
  readonly network = new VirtualNetwork(this.time, new SeededRandom(1));
  /** `n1: PING`, in the order in which the commands came. */
  readonly heard: string[] = [];

  /** A node called `host` that answers by `script`. */
  listen(host: string, script: Script): void {
    this.network.switchOn(host);
    this.network.listen(plainStation(host), (end) => {
      const parser = new RequestParser({ maxBulkBytes: 1024 * 1024 }, true);
      return {
        data: (chunk) => {
          parser.push(chunk);
          for (let args = parser.next(); args !== null; args = parser.next()) {
            this.heard.push(`${host}: ${args.join(" ")}`);
            const answer = script(args.join(" "));
            if (answer === "close") end.end();
            else if (answer !== null) end.write(Buffer.from(answer, "latin1"));
          }
        },
        drain: () => undefined,
        ended: () => end.end(),
        closed: () => undefined,
      };
    });
  }

  run(forMs: number): void {
    this.time.runUntil(this.time.nowMs + forMs);
  }
}

export const ok = "+OK\r\n";

export function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
