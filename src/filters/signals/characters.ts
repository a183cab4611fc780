/** Signals of single characters. */
import type { Scan } from '../scan/scan.js';
import { ratio, type SignalContext, type SignalFamily, type SignalValues } from './signal.js';
import { totalsOf } from './totals.js';

export const characterSignals: SignalFamily = {
  signals: [
    {
      name: 'character_count',
      type: 'BIGINT',
      unit: 'characters',
      doc: 'Unicode code points of the text',
      source: "Python's len, as datatrove counts",
    },
    {
      name: 'digit_character_ratio',
      type: 'DOUBLE',
      unit: 'share of characters',
      doc: 'decimal digits of any script (general category Nd), of all characters of the text',
      source: 'Tokenmill, after NeMo Curator, NumbersFilter',
    },
  ],
  measure(scan: Scan, values: SignalValues, { language }: SignalContext): void {
    const { characters, digits } = totalsOf(scan, language);
    values.push(characters, ratio(digits, characters));
  },
};
