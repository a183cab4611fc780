/** Words of a text in order, by one of the definitions: their numbers in this text and their lengths. */

/** Words up to which the arrays are kept for the next text. */
const RETAINED = 1 << 20;

export class WordSequence {
  count = 0;
  /** Which of the kernel's sequences it is a view of; -1 for none. */
  kernelPlace = -1;
  numbers = new Int32Array(1024);
  /** Code points of the words before each; one more than there are words. */
  sums = new Int32Array(1025);

  /** Empties the sequence and makes room for `count` words. */
  reset(count: number): void {
    this.count = 0;
    const held = this.numbers.length;
    if (held >= count && (held <= RETAINED || count > RETAINED)) return;
    const size = Math.max(count, Math.min(count * 2, RETAINED));
    this.numbers = new Int32Array(size);
    this.sums = new Int32Array(size + 1);
  }

  /** Adds a word; there must be room. */
  push(number: number, characters: number): void {
    const { count } = this;
    this.numbers[count] = number;
    this.sums[count + 1] = this.sums[count] + characters;
    this.count = count + 1;
  }

  /** Characters of the words `[start, end)`. */
  between(start: number, end: number): number {
    return this.sums[end] - this.sums[start];
  }
}
