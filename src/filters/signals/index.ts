/**
 * All signals of a text: what `SIGNALS` describes, `measureSignals` measures, in the same order. Pure and linear in
 * the text, so that it can run in any thread on any input.
 *
 * The order of the columns is part of the dataset format: new families go to the end.
 */
import { scanText } from '../scan/scan.js';
import { characterSignals } from './characters.js';
import { lineSignals } from './lines.js';
import { repetitionSignals } from './repetition.js';
import type { Signal, SignalFamily, SignalValues } from './signal.js';
import { wordSignals } from './words.js';

export type { Signal, SignalValue, SignalValues } from './signal.js';

const FAMILIES: readonly SignalFamily[] = [characterSignals, wordSignals, lineSignals, repetitionSignals];

export const SIGNALS: readonly Signal[] = FAMILIES.flatMap(({ signals }) => signals);

export function measureSignals(text: string): SignalValues {
  const scan = scanText(text);
  const values: SignalValues = [];
  for (const family of FAMILIES) family.measure(scan, values);
  return values;
}
