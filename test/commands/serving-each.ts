// One server for the tests of a file, a fresh connection for each.

import { afterAll, afterEach, beforeEach } from "bun:test";
import { Serving, type ServingOptions } from "../server/serving.ts";
import { plain, type TestClient } from "../server/test-client.ts";

export interface Fixture {
  readonly serving: Serving;
  client: TestClient;
  /** A command's reply as plain values. */
  ask(...args: string[]): Promise<unknown>;
  /** The reply to an inline command, to the byte. */
  bytes(line: string, expected: string): Promise<string>;
}

export function serveTests(options?: ServingOptions): Fixture {
  const serving = new Serving(options);
  const fixture = {
    serving,
    ask: async (...args: string[]) => plain(await fixture.client.ask(...args)),
    bytes: (line: string, expected: string) => fixture.client.exchange(`${line}\r\n`, expected),
  } as Fixture;
  beforeEach(async () => {
    fixture.client = await serving.connect();
  });
  afterEach(() => fixture.client.close());
  afterAll(() => serving.close());
  return fixture;
}
