/** Shares of characters by kind, as NeMo Curator and Data-Juicer measure them. */
import type { Scan } from '../scan/scan.js';
import {
  DATA_JUICER,
  NEMO,
  ratio,
  signal,
  type SignalContext,
  type SignalFamily,
  type SignalValues,
} from './signal.js';
import { totalsOf } from './totals.js';

const endMarks = new Uint8Array(0x1_0000);
for (const mark of '.?!"\'') endMarks[mark.charCodeAt(0)] = 1;

export const ratioSignals: SignalFamily = {
  signals: [
    signal(
      'non_alphanumeric_character_ratio',
      'DOUBLE',
      'share of characters',
      'characters other than ASCII letters and digits, line feed, `?`, `!`, `,` and `.`',
      `${NEMO}: NonAlphaNumericFilter`,
    ),
    signal(
      'whitespace_character_ratio',
      'DOUBLE',
      'share of characters',
      'tab, line feed, carriage return, backspace and space',
      `${NEMO}: WhiteSpaceFilter`,
    ),
    signal(
      'parenthesis_character_ratio',
      'DOUBLE',
      'share of characters',
      'any of `{}⟨⟩[]()`',
      `${NEMO}: ParenthesesFilter`,
    ),
    signal(
      'url_character_ratio',
      'DOUBLE',
      'share of characters',
      'characters of web addresses (http or https)',
      `${NEMO}: UrlsFilter`,
    ),
    signal(
      'unpunctuated_line_ratio',
      'DOUBLE',
      'share of lines',
      'lines between line feeds that are not blank and do not end with one of `. ? ! " \'`, white space aside',
      `${NEMO}: PunctuationFilter`,
    ),
    signal(
      'alphanumeric_character_ratio',
      'DOUBLE',
      'share of characters',
      'letters and numbers of any script',
      `${DATA_JUICER}: alphanumeric_filter`,
    ),
    signal(
      'special_character_ratio',
      'DOUBLE',
      'share of characters',
      'characters that are neither letters nor marks: white space, digits, punctuation, symbols and emoji',
      `${DATA_JUICER}: special_characters_filter, by category instead of its list`,
    ),
    signal('upper_case_character_ratio', 'DOUBLE', 'share of characters', 'upper-case letters', 'Tokenmill'),
  ],
  measure(scan: Scan, values: SignalValues, { language }: SignalContext): void {
    const totals = totalsOf(scan, language);
    const { pieces, lines } = scan;
    const all = totals.characters;
    values.push(
      all === 0 ? 0 : 1 - (totals.plainCharacters + lines.count - 1) / all,
      ratio(pieces.commonSpaces + totals.backspaces, all),
      ratio(totals.parentheses, all),
      ratio(totals.urlUnits, all),
      unpunctuatedRatio(scan),
      ratio(totals.alphanumerics, all),
      all === 0 ? 0 : 1 - totals.lettersAndMarks / all,
      ratio(totals.uppers, all),
    );
  },
};

function unpunctuatedRatio({ units, pieces, lines }: Scan): number {
  let filled = 0;
  let unpunctuated = 0;
  let first = 0;
  for (let line = 0; line < lines.count; line++) {
    const last = lines.pieceEnd[line];
    if (last > first) {
      filled += 1;
      if (endMarks[units[pieces.end[last - 1] - 1]] === 0) unpunctuated += 1;
    }
    first = last;
  }
  return ratio(unpunctuated, filled);
}
