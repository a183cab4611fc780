/**
 * How the strings of a page stand for its text.
 *
 * V8 decodes UTF-8 beyond ASCII at less than 100 MB/s, half the speed of the tokenizer, and most of a page is markup.
 * So a UTF-8 page is read as ISO-8859-1, one character a byte, which HTML's syntax does not notice, and only the
 * text that is needed is decoded. Slices are cut at ASCII characters, so no sequence is ever torn.
 */

export interface TextCodec {
  /** What a slice of the page says. */
  decode(slice: string): string;
  /** A character reference as it would stand in the page. */
  encode(codepoint: number): string;
}

/** The page is a string already. */
export const STRING_CODEC: TextCodec = {
  decode: (slice) => slice,
  encode: (codepoint) => String.fromCodePoint(codepoint),
};

const BEYOND_ASCII = /[\u0080-\u00FF]/;

/** The page is valid UTF-8, a character a byte. */
export const UTF8_CODEC: TextCodec = {
  decode: (slice) => (BEYOND_ASCII.test(slice) ? Buffer.from(slice, 'latin1').toString('utf8') : slice),
  encode(codepoint) {
    const text = String.fromCodePoint(codepoint);
    return codepoint < 0x80 ? text : Buffer.from(text, 'utf8').toString('latin1');
  },
};
