/**
 * The one error type and the one table of error codes.
 *
 * Every error that a person can meet has a code from `ERRORS`; the code decides the exit status of the
 * command line and the HTTP status of the service. A message names the thing and, through `place`, where it is;
 * `hint` says what to do about it.
 */

/** Exit statuses of the command line. */
export const EXIT = { ok: 0, failure: 1, usage: 2, badData: 3, interrupted: 130 } as const;

interface ErrorKind {
  readonly exit: number;
  readonly http: number;
  readonly title: string;
}

export const ERRORS = {
  // how Tokenmill was asked
  USAGE: { exit: EXIT.usage, http: 400, title: 'The command or request is not well formed' },
  CONFIG_INVALID: { exit: EXIT.usage, http: 400, title: 'A setting has a value that cannot be used' },
  CONFIG_MISMATCH: { exit: EXIT.usage, http: 409, title: 'The dataset was created with another setting' },
  INTERRUPTED: { exit: EXIT.interrupted, http: 503, title: 'Interrupted' },
  // the service
  UNAUTHENTICATED: { exit: EXIT.failure, http: 401, title: 'The request needs a token' },
  FORBIDDEN: { exit: EXIT.failure, http: 403, title: 'The request is not allowed' },
  RATE_LIMITED: { exit: EXIT.failure, http: 429, title: 'Too many requests' },
  ROUTE_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is nothing at this path' },
  UNAVAILABLE: { exit: EXIT.failure, http: 503, title: 'The service cannot take this now' },
  RANGE_NOT_SATISFIABLE: { exit: EXIT.failure, http: 416, title: 'The file does not have these bytes' },
  NOT_ACCEPTABLE: { exit: EXIT.usage, http: 406, title: 'There is no answer of a type that is accepted' },
  METHOD_NOT_ALLOWED: { exit: EXIT.failure, http: 405, title: 'The path does not take this method' },
  // files and the machine
  FILE_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'A file or folder does not exist' },
  FILE_FORBIDDEN: { exit: EXIT.failure, http: 403, title: 'A file or folder may not be read or written' },
  FILE_EXISTS: { exit: EXIT.failure, http: 409, title: 'A file exists already' },
  DISK_FULL: { exit: EXIT.failure, http: 507, title: 'No space is left on the device' },
  IO: { exit: EXIT.failure, http: 500, title: 'Reading or writing failed' },
  DOWNLOAD_FAILED: { exit: EXIT.failure, http: 502, title: 'An address could not be downloaded' },
  ADDRESS_FORBIDDEN: { exit: EXIT.failure, http: 403, title: 'An address may not be reached from here' },
  WORKER_FAILED: { exit: EXIT.failure, http: 500, title: 'A worker thread failed' },
  // inputs
  INPUT_CORRUPT: { exit: EXIT.badData, http: 422, title: 'The input is damaged' },
  INPUT_TOO_LARGE: { exit: EXIT.badData, http: 413, title: 'The input exceeds a limit' },
  INPUT_UNSUPPORTED: { exit: EXIT.badData, http: 415, title: 'The input is of a kind that cannot be read' },
  SOURCE_CHANGED: { exit: EXIT.badData, http: 409, title: 'A source changed since it was read' },
  // corpora and uploads
  CORPUS_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is no such corpus' },
  UPLOAD_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is no such upload' },
  UPLOAD_GONE: { exit: EXIT.failure, http: 410, title: 'An upload has expired or has failed' },
  UPLOAD_OFFSET: { exit: EXIT.failure, http: 409, title: 'A request does not go on where its upload ends' },
  UPLOAD_VERSION: {
    exit: EXIT.usage,
    http: 412,
    title: 'The version of the upload protocol is not spoken here',
  },
  QUOTA_EXCEEDED: { exit: EXIT.failure, http: 413, title: 'The quota of uploads is used up' },
  CHECKSUM_MISMATCH: { exit: EXIT.badData, http: 422, title: 'A file does not have the checksum given' },
  // 460 is the status that tus 1.0 gives it
  CHUNK_MISMATCH: {
    exit: EXIT.badData,
    http: 460,
    title: 'Bytes of an upload do not have the checksum given',
  },
  // workspace
  DATASET_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is no such dataset' },
  DATASET_LOCKED: { exit: EXIT.failure, http: 409, title: 'Another process is writing to the dataset' },
  DATASET_CORRUPT: {
    exit: EXIT.badData,
    http: 500,
    title: 'The files of a dataset do not fit its commit log',
  },
  DOCUMENT_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is no such document' },
  SHARD_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is no such token shard' },
  SHARD_CORRUPT: { exit: EXIT.badData, http: 500, title: 'A token shard is damaged' },
  QUEUE_ENTRY_LOST: {
    exit: EXIT.failure,
    http: 409,
    title: 'A queue entry is not leased by this owner any more',
  },
  SQL_INVALID: { exit: EXIT.usage, http: 400, title: 'A SQL statement was refused' },
  SQL_LIMIT: { exit: EXIT.failure, http: 413, title: 'A query needs more than it may have' },
  SQL_TIMEOUT: { exit: EXIT.failure, http: 504, title: 'A query took longer than it may' },
  REPORT_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is no such report' },
  // filters
  POLICY_INVALID: { exit: EXIT.usage, http: 400, title: 'A policy cannot be used' },
  // tokenizer
  TOKENIZER_INVALID: { exit: EXIT.badData, http: 422, title: 'A tokenizer file is not valid' },
  TOKENIZER_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is no such tokenizer' },
  TOKENIZER_MISMATCH: { exit: EXIT.badData, http: 409, title: 'Tokens were made with another tokenizer' },
  // trainer
  MODEL_INVALID: {
    exit: EXIT.badData,
    http: 422,
    title: 'A model configuration or its weights cannot be used',
  },
  GRAPH_INVALID: { exit: EXIT.failure, http: 500, title: 'A tensor graph is not well formed' },
  ENGINE_FAILED: { exit: EXIT.failure, http: 500, title: 'The engine could not run the graph' },
  DEVICE_MISSING: { exit: EXIT.failure, http: 503, title: 'The device is not available' },
  TRAINING_DIVERGED: { exit: EXIT.failure, http: 500, title: 'Loss or gradients are not finite' },
  DATA_EXHAUSTED: { exit: EXIT.failure, http: 409, title: 'There are no tokens to train on' },
  RUN_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is no such model or run' },
  CHECKPOINT_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'The run has no such checkpoint' },
  RUN_LOCKED: { exit: EXIT.failure, http: 409, title: 'Another process is training this run' },
  // service
  JOB_NOT_FOUND: { exit: EXIT.failure, http: 404, title: 'There is no such job' },
  JOB_ENDED: { exit: EXIT.failure, http: 409, title: 'The job has ended already' },
  JOB_KILLED: { exit: EXIT.failure, http: 500, title: 'The process of a job was ended from outside' },
  SERVICE_BUSY: { exit: EXIT.failure, http: 503, title: 'The service has as much work as it takes' },
  SERVICE_LOCKED: {
    exit: EXIT.failure,
    http: 503,
    title: 'Another service runs on the workspace',
  },
  TOLERANCE_EXCEEDED: { exit: EXIT.failure, http: 500, title: 'A result deviates from its reference' },
  CHECK_FAILED: { exit: EXIT.failure, http: 500, title: 'A check of the machine or the workspace failed' },
  INTERNAL: { exit: EXIT.failure, http: 500, title: 'A defect of Tokenmill' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** Where in the input an error lies. Offsets are bytes. */
export interface Place {
  readonly file?: string;
  readonly offset?: number;
  readonly record?: number;
  readonly line?: number;
}

export class TokenmillError extends Error {
  readonly code: ErrorCode;
  readonly place: Place;
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { place?: Place; hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TokenmillError';
    this.code = code;
    this.place = options.place ?? {};
    this.hint = options.hint;
  }

  get exitStatus(): number {
    return ERRORS[this.code].exit;
  }

  get httpStatus(): number {
    return ERRORS[this.code].http;
  }
}

/** Message, place and hint as one text of one to three lines, for a person. */
export function describeError(error: unknown): string {
  if (!(error instanceof TokenmillError)) {
    return `error INTERNAL: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const place = describePlace(error.place);
  const lines = [`error ${error.code}: ${error.message}`];
  if (place !== '') lines.push(`  at ${place}`);
  if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  return lines.join('\n');
}

export function describePlace(place: Place): string {
  const parts: string[] = [];
  if (place.file !== undefined) parts.push(place.file);
  if (place.line !== undefined) parts.push(`line ${place.line}`);
  if (place.record !== undefined) parts.push(`record ${place.record}`);
  if (place.offset !== undefined) parts.push(`byte ${place.offset}`);
  return parts.join(', ');
}

/** Translates an error of `node:fs` on `path` into ours; anything else passes through unchanged. */
export function fromSystemError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof TokenmillError) return error;
  const place = { file: path };
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new TokenmillError('FILE_NOT_FOUND', `${path} does not exist`, {
        hint: 'check the path; it is taken relative to the current folder',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new TokenmillError('FILE_FORBIDDEN', `no permission for ${path}`, {
        hint: 'check the owner and mode of the file and of its folder',
        cause: error,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new TokenmillError('DISK_FULL', `no space left while writing ${path}`, {
        hint: 'free some space and start again: everything up to the last commit is kept',
        cause: error,
      });
    case 'EEXIST':
      return new TokenmillError('FILE_EXISTS', `${path} exists already`, { place, cause: error });
    case undefined:
      return error;
    default:
      return new TokenmillError('IO', `${path}: ${error.message}`, { cause: error });
  }
}
