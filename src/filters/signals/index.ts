/**
 * All signals of a text: what `SIGNALS` describes, `measureSignals` measures, in the same order. Pure and linear in
 * the text, so that it can run in any thread on any input.
 *
 * The order of the columns is part of the dataset format: new families go to the end.
 */
import { detectLanguage } from '../language/detect.js';
import { scanText } from '../scan/scan.js';
import { c4Signals } from './c4.js';
import { characterSignals } from './characters.js';
import { dclmSignals } from './dclm.js';
import { languageMixSignals } from './language-mix.js';
import { lineSignals } from './lines.js';
import { personalDataSignals } from './personal-data.js';
import { ratioSignals } from './ratios.js';
import { redpajamaSignals } from './redpajama.js';
import { repetitionSignals } from './repetition.js';
import { shapeSignals } from './shape.js';
import type { Signal, SignalContext, SignalFamily, SignalValues } from './signal.js';
import { urlSignals } from './url.js';
import { wordSignals } from './words.js';

export type { Signal, SignalContext, SignalValue, SignalValues } from './signal.js';

/** Families by name. */
export const SIGNAL_FAMILIES: Readonly<Record<string, SignalFamily>> = {
  characters: characterSignals,
  words: wordSignals,
  lines: lineSignals,
  repetition: repetitionSignals,
  c4: c4Signals,
  dclm: dclmSignals,
  redpajama: redpajamaSignals,
  ratios: ratioSignals,
  shape: shapeSignals,
  'language mix': languageMixSignals,
  'personal data': personalDataSignals,
  url: urlSignals,
};

const FAMILIES = Object.values(SIGNAL_FAMILIES);

export const SIGNALS: readonly Signal[] = FAMILIES.flatMap(({ signals }) => signals);

/** @param context what is known beside the text; the language is detected where it is not given */
export function measureSignals(text: string, context: Partial<SignalContext> = {}): SignalValues {
  const scan = scanText(text);
  const known: SignalContext = {
    url: context.url ?? null,
    language: context.language ?? detectLanguage(text).language,
    lists: context.lists,
  };
  const values: SignalValues = [];
  for (const family of FAMILIES) family.measure(scan, values, known);
  return values;
}
