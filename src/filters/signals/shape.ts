/** Signals of length and of how much a text says: longest and typical words and lines, compression. */
import { compressedSize } from '../scan/compressed-size.js';
import { CHARACTERS, COUNTS } from '../scan/piece-facts.js';
import { ENTRY, OCCURRENCES } from '../scan/piece-layout.js';
import type { Scan } from '../scan/scan.js';
import { ratio, signal, type SignalContext, type SignalFamily, type SignalValues } from './signal.js';
import { totalsOf } from './totals.js';

/** Lengths of words are counted one by one up to here; longer ones count as this long for the median. */
const LONGEST_COUNTED = 1024;

export const shapeSignals: SignalFamily = {
  signals: [
    signal('byte_count', 'BIGINT', 'bytes', 'bytes of the text in UTF-8', 'Tokenmill'),
    signal(
      'piece_count',
      'BIGINT',
      'words',
      'pieces between white space, punctuation included',
      'Tokenmill; words in dolma and Data-Juicer',
    ),
    signal(
      'unicode_word_count',
      'BIGINT',
      'words',
      "words by Unicode's default word boundaries (UAX #29) that begin with a letter or number; in scripts without spaces each letter",
      'Tokenmill',
    ),
    signal(
      'median_word_length',
      'DOUBLE',
      'characters',
      'median length of the pieces between white space',
      'Gopher as in dolma, gopher.py',
    ),
    signal(
      'longest_word',
      'BIGINT',
      'characters',
      'longest piece between white space',
      `NeMo Curator, LongWordFilter`,
    ),
    signal(
      'longest_line',
      'BIGINT',
      'characters',
      'longest line between line feeds',
      'Data-Juicer, maximum_line_length_filter',
    ),
    signal(
      'mean_line_length',
      'DOUBLE',
      'characters',
      'mean length of the lines between line feeds',
      'Data-Juicer, average_line_length_filter',
    ),
    signal(
      'compression_ratio',
      'DOUBLE',
      'share of bytes',
      'bytes of the UTF-8 text as one greedily matched LZ4 block, of its bytes',
      'Tokenmill',
    ),
  ],
  measure(scan: Scan, values: SignalValues, { language }: SignalContext): void {
    const { lines } = scan;
    const { bytes, characters } = totalsOf(scan, language);
    let longestLine = 0;
    for (let line = 0; line < lines.count; line++) {
      if (lines.characters[line] > longestLine) longestLine = lines.characters[line];
    }
    const { longest, median } = pieceLengths(scan);
    values.push(
      bytes,
      scan.pieces.count,
      scan.unicodeWords.count,
      median,
      longest,
      longestLine,
      ratio(characters - (lines.count - 1), lines.count),
      ratio(compressedSize(scan.text, bytes), bytes),
    );
  },
};

const lengths = new Uint32Array(LONGEST_COUNTED + 1);

function pieceLengths({ pieces }: Scan): { longest: number; median: number } {
  lengths.fill(0);
  let longest = 0;
  for (let piece = 0; piece < pieces.distinctCount; piece++) {
    const characters = pieces.counts[piece * COUNTS + CHARACTERS];
    if (characters > longest) longest = characters;
    lengths[Math.min(characters, LONGEST_COUNTED)] += pieces.distinct[piece * ENTRY + OCCURRENCES];
  }
  if (pieces.count === 0) return { longest, median: 0 };
  const below = Math.floor((pieces.count - 1) / 2);
  const above = Math.floor(pieces.count / 2);
  return { longest, median: (lengthAt(below) + lengthAt(above)) / 2 };
}

/** Length of the piece at a rank, from 0, in order of length. */
function lengthAt(rank: number): number {
  let seen = 0;
  for (let length = 0; length <= LONGEST_COUNTED; length++) {
    seen += lengths[length];
    if (seen > rank) return length;
  }
  return LONGEST_COUNTED;
}
