/**
 * Cuts a text that comes in parts into stretches whose pre-tokens are those of the whole, so that a text larger than memory
 * can be learned from, on threads too.
 *
 * Each cut is between a letter and white space behind it: there a pre-token ends under all named patterns, whatever stands
 * before, and what follows is scanned as if the text began there. No special reaches over a cut.
 */
import { TokenmillError } from '../../core/errors.js';
import { parsePattern } from '../patterns.js';
import { SpecialFinder } from '../specials.js';

const STRETCH_BYTES = 1 << 20;

/** A text that has no place to cut in this many bytes is an error. */
const MAX_STRETCH_BYTES = 64_000_000;

const SPACES = new Set([0x09, 0x0a, 0x20]);
const LETTER = /^\p{L}$/u;

/**
 * @param stretchBytes bytes that are gathered before a place to cut is looked for
 * @throws TokenmillError INPUT_TOO_LARGE where the text has no place to cut in 64 MB, as under a pattern that is a regular
 * expression, which is not known to have one
 */
export async function* cutText(
  parts: AsyncIterable<string | Uint8Array>,
  { pattern, specials }: { readonly pattern: string; readonly specials: readonly string[] },
  stretchBytes: number = STRETCH_BYTES,
): AsyncGenerator<Uint8Array> {
  const isNamed = typeof parsePattern(pattern) === 'string';
  const finder = new SpecialFinder(new Map(specials.map((text, id) => [text, id])));
  let pending = Buffer.alloc(0);
  let enough = stretchBytes;
  for await (const part of parts) {
    pending = Buffer.concat([pending, typeof part === 'string' ? Buffer.from(part) : part]);
    if (pending.length < enough) continue;
    const end = isNamed ? lastCut(pending, finder) : 0;
    if (end > 0) {
      yield pending.subarray(0, end);
      pending = Buffer.from(pending.subarray(end));
    } else if (pending.length > MAX_STRETCH_BYTES) {
      throw new TokenmillError(
        'INPUT_TOO_LARGE',
        isNamed
          ? `a text has no letter with white space behind it in ${pending.length} bytes`
          : `a text is larger than ${MAX_STRETCH_BYTES} bytes, and where the pattern lets it be cut is not known`,
        { hint: 'give large inputs as JSON lines, a document a line' },
      );
    }
    // Looking from the end for what is not there takes longer the more there is.
    enough = Math.min(MAX_STRETCH_BYTES + 1, Math.max(stretchBytes, 2 * pending.length));
  }
  if (pending.length > 0) yield pending;
}

/** The last place where the text may be cut; 0 where there is none. More text may follow behind its end. */
function lastCut(text: Buffer, finder: SpecialFinder): number {
  for (let at = text.length - finder.longest - 1; at > 0; at--) {
    if (SPACES.has(text[at]) && endsWithLetter(text, at) && !isInSpecial(text, at, finder)) return at;
  }
  return 0;
}

function endsWithLetter(text: Buffer, end: number): boolean {
  let start = end - 1;
  while (start > 0 && (text[start] & 0xc0) === 0x80) start -= 1;
  return LETTER.test(text.toString('utf8', start, end));
}

/** Whether a special, wherever it would begin, reaches over the place. */
function isInSpecial(text: Buffer, at: number, finder: SpecialFinder): boolean {
  for (let start = Math.max(0, at - finder.longest + 1); start < at; start++) {
    if (start + finder.lengthAt(text, start) > at) return true;
  }
  return false;
}
