/**
 * What a signal is. Signals come in families: one function measures all of a family from one scan of the text and
 * writes the values in the order of the family's descriptions.
 */
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

export interface SignalFamily {
  readonly signals: readonly Signal[];
  /**
   * Appends one value for each of `signals`. Linear in the text. A ratio whose denominator is zero is 0, so that a
   * text without words or lines has values too.
   */
  measure(scan: Scan, values: SignalValues): void;
}

export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Where the definitions of datatrove are, for `source`. */
export const DATATROVE = {
  gopherQuality: 'Gopher (arXiv 2112.11446, table A1) as in datatrove 0.10, gopher_quality_filter.py',
  gopherRepetition: 'Gopher (arXiv 2112.11446, table A1) as in datatrove 0.10, gopher_repetition_filter.py',
  fineWeb: 'FineWeb (arXiv 2406.17557, section 3.6) as in datatrove 0.10, fineweb_quality_filter.py',
} as const;
