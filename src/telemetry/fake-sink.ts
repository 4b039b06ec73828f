// The sink of tests: keeps records in memory, in order.

import type { LogRecord, LogSink } from './records.ts';

export class FakeSink implements LogSink {
  readonly records: LogRecord[] = [];

  write(record: LogRecord): void {
    this.records.push(record);
  }

  ofType<T extends LogRecord['Type']>(type: T): Extract<LogRecord, { Type: T }>[] {
    return this.records.filter((record): record is Extract<LogRecord, { Type: T }> => record.Type === type);
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}
