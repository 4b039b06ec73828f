// The ways in which a command ends badly, each with Azure CLI's exit status: 1 for an error of the server or of the
// user's data, 2 for a command line that cannot be understood, 3 for a resource that does not exist.

/** One entry of ARM's error envelope. */
export interface ArmErrorBody {
  readonly code: string;
  readonly message: string;
  readonly target?: string;
  readonly details?: readonly ArmErrorBody[];
}

export class AzError extends Error {
  readonly exitCode: number;
  /** A line or more on what to do, printed after the message. */
  readonly hint: string | undefined;

  constructor(message: string, exitCode = 1, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** The command line is wrong; nothing was sent. */
export class UsageError extends AzError {
  constructor(message: string, hint?: string) {
    super(message, 2, hint);
  }
}

/** The server refused, or a long-running operation failed. Printed as `(Code) Message` with its details. */
export class ArmRequestError extends AzError {
  readonly status: number;
  readonly error: ArmErrorBody;

  constructor(status: number, error: ArmErrorBody) {
    super(formatArmError(error), status === 404 ? 3 : 1);
    this.status = status;
    this.error = error;
  }
}

/** The same error as the server gives, for a part of a document that the client looks up itself. */
export function notFound(message: string): ArmRequestError {
  return new ArmRequestError(404, { code: 'ResourceNotFound', message });
}

export function formatArmError(error: ArmErrorBody): string {
  const lines = [`(${error.code}) ${error.message}`, `Code: ${error.code}`, `Message: ${error.message}`];
  if (error.target) lines.push(`Target: ${error.target}`);
  const details = error.details?.filter(detail => !repeats(detail, error)) ?? [];
  if (details.length) {
    lines.push('Exception Details:');
    for (const detail of details) {
      lines.push(
        ...formatArmError(detail)
          .split('\n')
          .map(line => `\t${line}`),
      );
    }
  }
  return lines.join('\n');
}

/** A single fault often comes twice: as the error and as its only detail. */
function repeats(detail: ArmErrorBody, error: ArmErrorBody): boolean {
  return detail.code === error.code && detail.message === error.message && !detail.details?.length;
}

/** Reads ARM's error envelope; anything else becomes an error of its own that shows what came. */
export function toArmError(status: number, body: unknown): ArmRequestError {
  const envelope = isRecord(body) && isRecord(body.error) ? readErrorBody(body.error) : undefined;
  if (envelope) return new ArmRequestError(status, envelope);
  const shown = typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
  const message = `The server answered with status ${status}${shown ? `: ${shown.slice(0, 500)}` : ' and no text.'}`;
  return new ArmRequestError(status, { code: `HTTP${status}`, message });
}

function readErrorBody(value: Readonly<Record<string, unknown>>): ArmErrorBody | undefined {
  const { code, message, target, details } = value;
  if (typeof code !== 'string' && typeof message !== 'string') return undefined;
  const inner = Array.isArray(details)
    ? details.filter(isRecord).flatMap(detail => readErrorBody(detail) ?? [])
    : [];
  return {
    code: typeof code === 'string' ? code : 'Error',
    message: typeof message === 'string' ? message : 'The server gave no message.',
    ...(typeof target === 'string' && target ? { target } : {}),
    ...(inner.length ? { details: inner } : {}),
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
