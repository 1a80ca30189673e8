import { describe, expect, test } from "bun:test";
import { LatencyHistogram } from "../../src/server/latency-histogram.ts";

function histogramOf(nanos: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of nanos) histogram.record(value);
  return histogram;
}

describe("LatencyHistogram", () => {
  test("says 0 while nothing was recorded", () => {
    expect(histogramOf([]).percentile(50)).toBe(0);
  });

  test("tells short durations exactly and others by the highest value of their bucket, as HdrHistogram does", () => {
    // What redis-server 7.0 has shown: 3.007, 35.071, 36.095 and 58.111 us.
    for (const [nanos, shown] of [
      [0, 0],
      [255, 255],
      [256, 257],
      [3000, 3007],
      [35_000, 35_071],
      [36_000, 36_095],
      [58_000, 58_111],
    ] as const) {
      expect([nanos, histogramOf([nanos]).percentile(50)]).toEqual([nanos, shown]);
    }
  });

  test("is never off by more than a 128th, whatever the duration up to a second", () => {
    for (let nanos = 1; nanos < 1e9; nanos = Math.ceil(nanos * 1.0371)) {
      const shown = histogramOf([nanos]).percentile(100);
      expect(shown).toBeGreaterThanOrEqual(nanos);
      expect(shown).toBeLessThanOrEqual(nanos * (1 + 1 / 128));
    }
    expect(histogramOf([9e9]).percentile(50)).toBe(histogramOf([1e9]).percentile(50));
  });

  test("ranks: each percentile is the least duration that so many did not exceed", () => {
    const histogram = histogramOf(Array.from({ length: 100 }, (_, at) => 100 - at));
    expect([0, 1, 50, 99, 99.9, 100].map((percent) => histogram.percentile(percent))).toEqual([
      1, 1, 50, 99, 100, 100,
    ]);
  });
});
