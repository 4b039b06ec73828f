// Lines that the sink itself adds to the log, in no table of Azure's: what it counted instead of writing, and what
// it lost. A reader of the file learns from them that lines are missing, and how many.

export interface SuppressedNotice {
  readonly Type: 'PosternSuppressedDenies';
  /** Default denies counted instead of written in the second that ends at `TimeGenerated`. */
  readonly Count: number;
  /** The most frequent of them, at most ten. */
  readonly Top: readonly SuppressedFlow[];
}

export interface SuppressedFlow {
  readonly Protocol: string;
  readonly SourceIp: string;
  /** Address, or the name where an application rule was asked for. */
  readonly Destination: string;
  readonly DestinationPort: number;
  readonly Count: number;
}

export interface LostNotice {
  readonly Type: 'PosternLostRecords';
  readonly Count: number;
  /** `queue full`, or the error of the file system. */
  readonly Reason: string;
}

export type SinkNotice = SuppressedNotice | LostNotice;
