import { describe, expect, test } from "bun:test";
import { Config } from "../../src/config/config.ts";
import { findOption } from "../../src/config/options.ts";
import { advertisedAddress } from "../../src/node/advertised-address.ts";

function addressWith(settings: Readonly<Record<string, string>>): string {
  const config = new Config();
  for (const [name, text] of Object.entries(settings)) {
    const error = config.load(findOption(name)!.name, text, { kind: "flag", detail: "test" });
    if (error !== null) throw new Error(`${name} ${text}: ${error}`);
  }
  const { host, port } = advertisedAddress(config, 7000);
  return `${host} ${port}`;
}

describe("advertisedAddress()", () => {
  test("is addr before everything else", () => {
    const settings = { addr: "db.example:7001", "cluster-announce-ip": "10.0.0.9", bind: "10.0.0.1" };
    expect(addressWith(settings)).toBe("db.example 7001");
  });

  test("is what cluster-announce-* says, the host name before the address", () => {
    expect(addressWith({ "cluster-announce-ip": "10.0.0.9" })).toBe("10.0.0.9 7000");
    expect(addressWith({ "cluster-announce-ip": "10.0.0.9", "cluster-announce-port": "8000" })).toBe(
      "10.0.0.9 8000",
    );
    const both = { "cluster-announce-ip": "10.0.0.9", "cluster-announce-hostname": "db.example" };
    expect(addressWith(both)).toBe("db.example 7000");
  });

  test("is the first address of bind that others can reach", () => {
    expect(addressWith({ bind: "127.0.0.1 10.0.0.1 10.0.0.2" })).toBe("10.0.0.1 7000");
    expect(addressWith({ bind: "-10.0.0.1" })).toBe("10.0.0.1 7000");
  });

  test("is the loopback address when only that is bound, or protected mode lets nobody else in", () => {
    expect(addressWith({ bind: "127.0.0.1 -::1" })).toBe("127.0.0.1 7000");
    expect(addressWith({ bind: "*", "protected-mode": "yes", requirepass: "" })).toBe("127.0.0.1 7000");
  });
});
