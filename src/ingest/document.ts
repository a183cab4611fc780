/**
 * What a document is called and where it goes: identity and split depend on nothing but its source's name and its
 * place in it, so every run, worker count and window size agrees.
 */
import { hash128 } from '../core/hash.js';
import type { Space } from './records.js';

export type Split = 'train' | 'valid';

/** 32 hexadecimal digits out of the source's name and the place of the record. */
export function documentId(source: string, space: Space, offset: number): string {
  return hash128(`${source}\n${space}\n${offset}`);
}

/** The first 32 bits of the id as a fraction of 2^32, against the share of documents held out for validation. */
export function splitOf(id: string, validFraction: number): Split {
  return Number.parseInt(id.slice(0, 8), 16) / 0x1_0000_0000 < validFraction ? 'valid' : 'train';
}
