/**
 * What a signal is. Signals come in families: one function measures all of a family from one scan of the text and
 * writes the values in the order of the family's descriptions. A signal that costs a model is a family like any other:
 * what it needs is loaded with its module.
 */
import type { UrlLists } from '../lists/url-lists.js';
import type { Scan } from '../scan/scan.js';

export interface Signal {
  /** Column name, snake_case. */
  readonly name: string;
  readonly type: 'BIGINT' | 'DOUBLE' | 'VARCHAR' | 'BOOLEAN';
  readonly unit: string;
  /** The definition, exactly. */
  readonly doc: string;
  /** Who defined it, and where. */
  readonly source: string;
}

/** A BIGINT is a safe integer here. */
export type SignalValue = number | string | boolean;

/** One value a signal, in the order of `SIGNALS`; never null. */
export type SignalValues = SignalValue[];

/** What is known of a document beside its text. */
export interface SignalContext {
  readonly url: string | null;
  /** ISO 639-1, or `und`: which lists of words apply. */
  readonly language: string;
  readonly lists: UrlLists | undefined;
}

export interface SignalFamily {
  readonly signals: readonly Signal[];
  /**
   * Appends one value for each of `signals`. Linear in the text. A ratio whose denominator is zero is 0, so that a
   * text without words or lines has values too.
   */
  measure(scan: Scan, values: SignalValues, context: SignalContext): void;
}

export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Where the definitions are, for `source`. */
export const DATATROVE = {
  gopherQuality: 'Gopher (arXiv 2112.11446, table A1) as in datatrove 0.10, gopher_quality_filter.py',
  gopherRepetition: 'Gopher (arXiv 2112.11446, table A1) as in datatrove 0.10, gopher_repetition_filter.py',
  fineWeb: 'FineWeb (arXiv 2406.17557, section 3.6) as in datatrove 0.10, fineweb_quality_filter.py',
  c4: 'C4 (arXiv 1910.10683, section 2.2) as in datatrove 0.10, c4_filters.py',
} as const;
export const DCLM = {
  quality: 'Gopher as in DCLM (arXiv 2406.11794), mappers/filters/content_filters.py',
  lines: 'RefinedWeb (arXiv 2306.01116, table G.2) as in DCLM (arXiv 2406.11794), mappers/modifiers.py',
} as const;
export const REDPAJAMA = 'RedPajama-Data v2 (arXiv 2411.12372, appendix), app/src/core/quality_signals';
export const NEMO = 'NeMo Curator, heuristic filters';
export const DATA_JUICER = 'Data-Juicer (arXiv 2309.02033), ops/filter';

/** Shortens the list of descriptions of a family whose signals have one source. */
export function signal(
  name: string,
  type: Signal['type'],
  unit: string,
  doc: string,
  source: string,
): Signal {
  return { name, type, unit, doc, source };
}
