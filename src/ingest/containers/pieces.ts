/** What a container yields: content in order, where members end, and what was lost. File offsets are bytes. */
import type { BadReason } from '../records.js';

export type Piece =
  /** Content; `memberEnd` where a gzip member or a frame ends with it. */
  | { readonly kind: 'content'; readonly bytes: Uint8Array; readonly memberEnd?: number }
  /** A gzip member or a frame ends where the content so far ends. */
  | { readonly kind: 'boundary'; readonly file: number }
  | Damage;

/** The bytes `start` to `end` of the file could not be read to their end; reading goes on at `end`, a member boundary. */
export interface Damage {
  readonly kind: 'damage';
  readonly start: number;
  readonly end: number;
  readonly reason: BadReason;
  readonly detail: string;
}
