// A logger that keeps what was said at notice and above.

import type { Logger } from "../../src/base/logger.ts";

export class RecordingLogger implements Logger {
  readonly notices: string[] = [];

  debug(): void {}

  verbose(): void {}

  notice(message: string): void {
    this.notices.push(message);
  }

  warning(message: string): void {
    this.notices.push(message);
  }
}
