/** A binary heap of numbered things with a count each, in typed arrays; the largest is on top. */

export class PairHeap {
  private items = new Int32Array(1024);
  private counts = new Float64Array(1024);
  private readonly precedes: (a: number, b: number) => boolean;
  size = 0;

  /** @param precedes whether item `a` comes before item `b` where their counts are equal */
  constructor(precedes: (a: number, b: number) => boolean) {
    this.precedes = precedes;
  }

  /** Count that the top was pushed with. */
  get topCount(): number {
    return this.counts[0];
  }

  get top(): number {
    return this.items[0];
  }

  push(item: number, count: number): void {
    if (this.size === this.items.length) {
      const items = new Int32Array(2 * this.size);
      const counts = new Float64Array(2 * this.size);
      items.set(this.items);
      counts.set(this.counts);
      this.items = items;
      this.counts = counts;
    }
    const { items, counts } = this;
    let index = this.size++;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.before(count, item, counts[parent], items[parent])) break;
      items[index] = items[parent];
      counts[index] = counts[parent];
      index = parent;
    }
    items[index] = item;
    counts[index] = count;
  }

  pop(): void {
    this.size -= 1;
    if (this.size > 0) this.sink(this.items[this.size], this.counts[this.size]);
  }

  /** Gives the top another count. */
  lowerTop(count: number): void {
    this.sink(this.items[0], count);
  }

  private before(countA: number, a: number, countB: number, b: number): boolean {
    return countA > countB || (countA === countB && this.precedes(a, b));
  }

  private sink(item: number, count: number): void {
    const { items, counts, size } = this;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && this.before(counts[child + 1], items[child + 1], counts[child], items[child]))
        child += 1;
      if (!this.before(counts[child], items[child], count, item)) break;
      items[index] = items[child];
      counts[index] = counts[child];
      index = child;
    }
    items[index] = item;
    counts[index] = count;
  }
}
