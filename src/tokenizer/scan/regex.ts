/**
 * The general scanner: any regular expression, or several one after another, over text decoded to JavaScript strings.
 * Some twenty times slower than the hand-written ones, and the only one whose result may depend on the runtime's
 * version of Unicode. It wants the whole text at once, because an expression may look at any distance.
 *
 * As in Hugging Face's `Split` with behavior `Isolated`, what lies between two matches is a pre-token too.
 */
import { decodeExactly, utf8Length } from './exact-text.js';
import { compilePattern } from './regex-syntax.js';
import type { Scanner } from './scanner.js';

/** A scanner that cuts with the first expression, the pieces with the second, and so on. */
export function makeRegexScanner(sources: readonly string[]): Scanner {
  const patterns = sources.map(compilePattern);
  return ({ bytes }, end, final, ends) => {
    if (!final) return 0;
    let pieces = [decodeExactly(bytes, end)];
    for (const pattern of patterns) pieces = pieces.flatMap((piece) => split(piece, pattern));
    let position = 0;
    pieces.forEach((piece, index) => {
      position += utf8Length(piece);
      ends[index] = position;
    });
    return pieces.length;
  };
}

function split(text: string, pattern: RegExp): string[] {
  const pieces: string[] = [];
  let position = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0] === '') continue;
    if (match.index > position) pieces.push(text.slice(position, match.index));
    pieces.push(match[0]);
    position = match.index + match[0].length;
  }
  if (position < text.length) pieces.push(text.slice(position));
  return pieces;
}
