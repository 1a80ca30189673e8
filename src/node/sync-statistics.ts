// How long the log's syncs take, for INFO raft and for the operator's eye on a failing disk.

export class SyncStatistics {
  count = 0;
  maxMicros = 0;
  totalMicros = 0;
  /** Times that applying was cut short so that other work got its turn. */
  applyThrottled = 0;

  note(tookMs: number): void {
    const micros = Math.round(tookMs * 1000);
    this.count++;
    this.totalMicros += micros;
    if (micros > this.maxMicros) this.maxMicros = micros;
  }

  get averageMicros(): number {
    return this.count === 0 ? 0 : Math.round(this.totalMicros / this.count);
  }
}
