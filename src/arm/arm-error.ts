// A refusal as Azure Resource Manager words it: an HTTP status, a code a script can test, a message a person can
// act on, and, where there are several faults, one detail for each. The API turns it into a response in one place.

export interface ArmErrorDetail {
  readonly code: string;
  /** Which field or resource the message is about, such as `properties.subnets[1].properties.addressPrefix`. */
  readonly target: string;
  readonly message: string;
}

export class ArmError extends Error {
  override readonly name = 'ArmError';
  readonly status: number;
  readonly code: string;
  readonly target: string | undefined;
  /** Empty when the message says it all. */
  readonly details: readonly ArmErrorDetail[];

  constructor(
    status: number,
    code: string,
    message: string,
    details: readonly ArmErrorDetail[] = [],
    target?: string,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.target = target;
  }
}

/**
 * The one error for all faults of a request. A single fault gives its own code and message and, as Azure's errors, no
 * details, which clients would print a second time; several give the first one's, say how many more there are, and list all of them as details.
 */
export function errorOfFaults(
  status: number,
  faults: readonly [ArmErrorDetail, ...ArmErrorDetail[]],
): ArmError {
  const [first, ...others] = faults;
  if (others.length === 0) return new ArmError(status, first.code, first.message, [], first.target);
  const more = others.length === 1 ? 'one more fault' : `${others.length} more faults`;
  return new ArmError(
    status,
    first.code,
    `${first.message} (${more}, see the details)`,
    faults,
    first.target,
  );
}

/** More than anybody reads. A request of a few megabytes can have millions, each with a path and a sentence. */
const MOST_FAULTS = 1000;
/** Messages quote what was given. */
const LONGEST_MESSAGE = 2000;

/** Adds a fault to a list of them, unless there are so many that nobody would read it. */
export function addFault(list: ArmErrorDetail[], { code, target, message }: ArmErrorDetail): void {
  if (list.length > MOST_FAULTS) return;
  const more = list.length === MOST_FAULTS ? ' (More faults follow, which are not told.)' : '';
  list.push({ code, target: shortened(target), message: `${shortened(message)}${more}` });
}

function shortened(text: string): string {
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}...` : text;
}

/** Throws `errorOfFaults` unless the list is empty. */
export function refuseFaults(faults: readonly ArmErrorDetail[], status = 400): void {
  const [first, ...others] = faults;
  if (first !== undefined) throw errorOfFaults(status, [first, ...others]);
}

export interface ErrorEnvelope {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly target?: string;
    readonly details: readonly ArmErrorDetail[];
  };
}

export function toErrorEnvelope({ code, message, target, details }: ArmError): ErrorEnvelope {
  return { error: { code, message, ...(target === undefined ? {} : { target }), details } };
}
