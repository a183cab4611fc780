/** Characters of a run of words in constant time, by running sums. */
export class CharacterSums {
  private sums = new Uint32Array(1025);

  /** Takes the lengths of the first `count` words. */
  fill(characters: Uint32Array, count: number): void {
    if (this.sums.length <= count || (this.sums.length > RETAINED && count < RETAINED)) {
      this.sums = new Uint32Array(Math.max(count + 1, Math.min(count * 2, RETAINED), 1025));
    }
    let sum = 0;
    this.sums[0] = 0;
    for (let i = 0; i < count; i++) {
      sum += characters[i];
      this.sums[i + 1] = sum;
    }
  }

  /** Characters of the words `[start, end)`. */
  between(start: number, end: number): number {
    return this.sums[end] - this.sums[start];
  }
}

/** Words up to which the sums are kept for the next text. */
const RETAINED = 1 << 20;
