/** What a query process is told, and where its frames go. */
import type { QueryRequest } from './run.js';
import type { SessionOptions } from './session.js';

/** The first file descriptor after Node's channel. */
export const FRAMES_DESCRIPTOR = 4;

export type WorkerMessage =
  | { readonly kind: 'open'; readonly options: SessionOptions; readonly residentBytes: number }
  | { readonly kind: 'run'; readonly request: QueryRequest }
  | { readonly kind: 'cancel' };
