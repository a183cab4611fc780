/** Signals of single characters. */
import { classOf, DIGIT, UNIT_CLASSES } from '../scan/character-classes.js';
import type { Scan } from '../scan/scan.js';
import { ratio, type SignalFamily, type SignalValues } from './signal.js';

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
  measure(scan: Scan, values: SignalValues): void {
    values.push(scan.characters, ratio(countDigits(scan), scan.characters));
  },
};

function countDigits({ units, length }: Scan): number {
  let digits = 0;
  for (let i = 0; i < length; i++) {
    const unit = units[i];
    if ((unit & 0xfc00) === 0xd800 && i + 1 < length && (units[i + 1] & 0xfc00) === 0xdc00) {
      i += 1;
      if ((classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (units[i] & 0x3ff)) & DIGIT) !== 0) digits += 1;
    } else if ((UNIT_CLASSES[unit] & DIGIT) !== 0) digits += 1;
  }
  return digits;
}
