// Durations of one command, counted so that percentiles can be told: a log-linear histogram with two significant digits,
// laid out as the HdrHistogram in Redis, so that the same durations give the same figures. Values are nanoseconds. Below 256
// each has a bucket of its own; from there on every power of two is cut into 128. 25 kB, and one addition a call.

/** Longer calls count as this long: a second. */
const nanosMax = 1_000_000_000;

/** Buckets of each power of two; a bucket is at most 1/128 of its values wide. */
const bucketsPerOctave = 128;
const exactBits = 8;

export class LatencyHistogram {
  readonly #counts = new Float64Array(bucketOf(nanosMax) + 1);
  #total = 0;

  /** `nanos` is not negative; fractions are cut off. */
  record(nanos: number): void {
    const bucket = bucketOf(Math.min(nanos, nanosMax));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total++;
  }

  /** The duration in nanoseconds that `percent` (0 to 100) of the calls did not exceed, to two digits; 0 without calls. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.floor((percent / 100) * this.#total + 0.5));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= wanted) return highestIn(bucket);
    }
    return 0;
  }
}

/** Octave by octave; the first two make one run of 256 exact buckets. */
function bucketOf(nanos: number): number {
  const shift = Math.max(0, 32 - exactBits - Math.clz32(nanos));
  return shift * bucketsPerOctave + (nanos >>> shift);
}

/** The highest value that falls into `bucket`. */
function highestIn(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / bucketsPerOctave) - 1);
  const position = bucket - shift * bucketsPerOctave;
  return (position + 1) * 2 ** shift - 1;
}
