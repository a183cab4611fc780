/** Finds special tokens in UTF-8: the leftmost, and of several that begin at one place the longest. */

export class SpecialFinder {
  private readonly ids: readonly number[];
  /** Longest first, so that the first that fits is the one. */
  private readonly texts: readonly Uint8Array[];
  private readonly begins = new Uint8Array(256);

  constructor(specials: ReadonlyMap<string, number>) {
    const encoder = new TextEncoder();
    const entries = [...specials]
      .map(([text, id]) => ({ bytes: encoder.encode(text), id }))
      .sort((a, b) => b.bytes.length - a.bytes.length);
    this.texts = entries.map(({ bytes }) => bytes);
    this.ids = entries.map(({ id }) => id);
    for (const { bytes } of entries) this.begins[bytes[0]] = 1;
  }

  /**
   * Calls `onText` for each stretch between specials and `onSpecial` for each special, in order; neither for an empty
   * stretch.
   */
  split(
    bytes: Uint8Array,
    onText: (start: number, end: number) => void,
    onSpecial: (id: number) => void,
  ): void {
    let start = 0;
    for (let at = 0; at < bytes.length;) {
      const found = this.begins[bytes[at]] === 1 ? this.at(bytes, at) : -1;
      if (found < 0) {
        at += 1;
        continue;
      }
      if (at > start) onText(start, at);
      onSpecial(this.ids[found]);
      at += this.texts[found].length;
      start = at;
    }
    if (start < bytes.length) onText(start, bytes.length);
  }

  private at(bytes: Uint8Array, position: number): number {
    return this.texts.findIndex((text) => {
      if (position + text.length > bytes.length) return false;
      for (let index = 0; index < text.length; index++) {
        if (bytes[position + index] !== text[index]) return false;
      }
      return true;
    });
  }
}
