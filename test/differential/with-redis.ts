// Tests that need a real redis-server, which runs while they do.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RedisServer, redisServerPath } from "./redis-server.ts";

/**
 * A suite whose tests may ask for the server while they run. Without a redis-server on the PATH they cannot be made, and
 * one test in their place says so; with REQUIRE_REDIS set it fails.
 */
export function withRedis(title: string, define: (redis: () => RedisServer) => void): void {
  describe(title, () => {
    if (redisServerPath === null) {
      test("redis-server is not on the PATH: nothing to compare with", () => {
        expect(process.env["REQUIRE_REDIS"]).toBeUndefined();
      });
      return;
    }
    let redis: RedisServer | null = null;
    beforeAll(async () => {
      redis = await RedisServer.start();
    });
    afterAll(() => redis?.stop());
    define(() => {
      if (redis === null) throw new Error("redis-server has not been started yet");
      return redis;
    });
  });
}
