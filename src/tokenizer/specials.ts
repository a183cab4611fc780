/**
 * Finds special tokens in UTF-8: the leftmost, and of several that begin at one place the longest. Some take white space
 * around them in, or count only as a whole word, as the added tokens of Hugging Face's tokenizers do.
 */
/** What an added token asks of its surroundings; all false for most. */
export interface SpecialRule {
  /** White space before, or behind it, belongs to it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** It is none where a letter, mark, digit or connector stands right before or behind it. */
  readonly singleWord: boolean;
  /** It is looked for after normalization, in what the others leave. */
  readonly normalized: boolean;
}

export const PLAIN_SPECIAL: SpecialRule = {
  lstrip: false,
  rstrip: false,
  singleWord: false,
  normalized: false,
};

interface Entry {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly rule: SpecialRule;
}

/** Longest character in UTF-8. */
const MAX_CHARACTER_BYTES = 4;

const WHITE_SPACE = /^\p{White_Space}$/u;
const WORD_CHARACTER = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;

export class SpecialFinder {
  /** Bytes of the longest. */
  readonly longest: number;
  /** Whether what is around a special may matter. */
  readonly hasRules: boolean;
  /** By their first byte, longest first, so that the first that fits is the one. */
  private readonly entries: (readonly Entry[])[] = Array.from({ length: 256 }, () => []);
  private readonly begins = new Uint8Array(256);

  constructor(specials: ReadonlyMap<string, number>, rules: ReadonlyMap<string, SpecialRule> = new Map()) {
    const entries = [...specials]
      .map(([text, id]) => ({ bytes: Buffer.from(text), id, rule: rules.get(text) ?? PLAIN_SPECIAL }))
      .sort((a, b) => b.bytes.length - a.bytes.length);
    this.longest = entries[0]?.bytes.length ?? 0;
    this.hasRules = entries.some(({ rule }) => rule.lstrip || rule.rstrip || rule.singleWord);
    for (const entry of entries) {
      const first = entry.bytes[0];
      this.entries[first] = [...this.entries[first], entry];
      this.begins[first] = 1;
    }
  }

  /** Bytes of the longest special that stands at a place, whatever its rule; 0 where none does. */
  lengthAt(bytes: Uint8Array, at: number): number {
    return this.entryAt(bytes, at)?.bytes.length ?? 0;
  }

  private entryAt(bytes: Uint8Array, at: number): Entry | undefined {
    if (this.begins[bytes[at]] === 0) return undefined;
    return this.entries[bytes[at]].find((candidate) => matches(bytes, at, candidate));
  }

  /**
   * Calls `onText` for each stretch between specials and `onSpecial` for each special, in order; neither for an empty
   * stretch. Returns where it stopped: at the end of the text, unless more follows, which may complete a special.
   * @param final false where more text follows; what lies behind the last special is then not passed to `onText`
   */
  split(
    bytes: Uint8Array,
    onText: (start: number, end: number) => void,
    onSpecial: (id: number, start: number, end: number) => void,
    final = true,
  ): number {
    const limit = final ? bytes.length : bytes.length - this.longest + 1;
    let textStart = 0;
    for (let at = 0; at < limit;) {
      const entry = this.entryAt(bytes, at);
      if (entry === undefined) {
        at += 1;
        continue;
      }
      const { id, rule } = entry;
      const behind = at + entry.bytes.length;
      const joined = rule.singleWord && (wordEndsAt(bytes, at) || wordBeginsAt(bytes, behind));
      if (!joined) {
        const start = rule.lstrip ? Math.max(textStart, whiteSpaceBefore(bytes, at)) : at;
        const end = rule.rstrip ? whiteSpaceBehind(bytes, behind) : behind;
        if (start > textStart) onText(textStart, start);
        onSpecial(id, start, end);
        textStart = end;
        at = Math.max(behind, end);
        continue;
      }
      at = behind;
    }
    if (!final) return textStart;
    if (textStart < bytes.length) onText(textStart, bytes.length);
    return bytes.length;
  }
}

function matches(bytes: Uint8Array, at: number, { bytes: text }: Entry): boolean {
  if (at + text.length > bytes.length) return false;
  for (let index = 0; index < text.length; index++) {
    if (bytes[at + index] !== text[index]) return false;
  }
  return true;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The character that ends at a place, '' at the beginning of the text. */
function characterBefore(bytes: Uint8Array, at: number): string {
  let start = at - 1;
  while (start > 0 && at - start < MAX_CHARACTER_BYTES && (bytes[start] & 0xc0) === 0x80) start -= 1;
  return start < 0 ? '' : decoder.decode(bytes.subarray(start, at));
}

/** The character that begins at a place, '' at the end of the text. */
function characterAt(bytes: Uint8Array, at: number): string {
  let end = at + 1;
  while (end < bytes.length && end - at < MAX_CHARACTER_BYTES && (bytes[end] & 0xc0) === 0x80) end += 1;
  return at < bytes.length ? decoder.decode(bytes.subarray(at, end)) : '';
}

function wordEndsAt(bytes: Uint8Array, at: number): boolean {
  return WORD_CHARACTER.test(characterBefore(bytes, at));
}

function wordBeginsAt(bytes: Uint8Array, at: number): boolean {
  return WORD_CHARACTER.test(characterAt(bytes, at));
}

function whiteSpaceBefore(bytes: Uint8Array, at: number): number {
  for (let start = at; ;) {
    const character = characterBefore(bytes, start);
    if (!WHITE_SPACE.test(character)) return start;
    start -= Buffer.byteLength(character);
  }
}

function whiteSpaceBehind(bytes: Uint8Array, at: number): number {
  for (let end = at; ;) {
    const character = characterAt(bytes, end);
    if (!WHITE_SPACE.test(character)) return end;
    end += Buffer.byteLength(character);
  }
}
