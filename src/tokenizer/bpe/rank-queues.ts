/**
 * Positions by rank, for merging long pre-tokens: the lowest rank first, and of one rank the leftmost position.
 *
 * A queue for each rank that occurs, and a heap of those ranks. Text that is one character over and over has a million
 * positions but few ranks, so this does not pay a heap's logarithm for each position. While a rank is merged, positions
 * are added from left to right; where several merges add to one queue they may come out of order, and then it is sorted
 * when its turn comes.
 */

const NONE = -1;

export class RankQueues {
  // By rank.
  private readonly head: Int32Array;
  private readonly tail: Int32Array;
  private readonly disordered: Uint8Array;
  // By entry, in the order of adding.
  private positions = new Int32Array(0);
  private following = new Int32Array(0);
  private entries = 0;
  /** A binary heap of the ranks whose queues have entries. */
  private heap = new Int32Array(64);
  private heapSize = 0;

  /** For ranks below `ranks`. */
  constructor(ranks: number) {
    this.head = new Int32Array(ranks).fill(NONE);
    this.tail = new Int32Array(ranks).fill(NONE);
    this.disordered = new Uint8Array(ranks);
  }

  /** Makes room for this many entries. All queues are empty. */
  begin(capacity: number): void {
    this.entries = 0;
    if (this.positions.length >= capacity) return;
    this.positions = new Int32Array(capacity);
    this.following = new Int32Array(capacity);
  }

  /** Lowest rank that has a position, NONE where all queues are empty. */
  get lowest(): number {
    return this.heapSize === 0 ? NONE : this.heap[0];
  }

  add(rank: number, position: number): void {
    const { positions, following, tail } = this;
    const entry = this.entries++;
    positions[entry] = position;
    following[entry] = NONE;
    const last = tail[rank];
    tail[rank] = entry;
    if (last === NONE) {
      this.head[rank] = entry;
      this.push(rank);
      return;
    }
    following[last] = entry;
    if (positions[last] > position) this.disordered[rank] = 1;
  }

  /** Takes the leftmost position of the lowest rank, which there must be. */
  take(): number {
    const rank = this.heap[0];
    if (this.disordered[rank] === 1) this.sort(rank);
    const entry = this.head[rank];
    const next = this.following[entry];
    this.head[rank] = next;
    if (next === NONE) {
      this.tail[rank] = NONE;
      this.pop();
    }
    return this.positions[entry];
  }

  private sort(rank: number): void {
    const { positions, following } = this;
    const found: number[] = [];
    for (let entry = this.head[rank]; entry !== NONE; entry = following[entry]) found.push(positions[entry]);
    found.sort((a, b) => a - b);
    let index = 0;
    for (let entry = this.head[rank]; entry !== NONE; entry = following[entry])
      positions[entry] = found[index++];
    this.disordered[rank] = 0;
  }

  private push(rank: number): void {
    if (this.heapSize === this.heap.length) {
      const grown = new Int32Array(2 * this.heapSize);
      grown.set(this.heap);
      this.heap = grown;
    }
    const { heap } = this;
    let index = this.heapSize++;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent] < rank) break;
      heap[index] = heap[parent];
      index = parent;
    }
    heap[index] = rank;
  }

  private pop(): void {
    const { heap } = this;
    const size = --this.heapSize;
    const rank = heap[size];
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && heap[child + 1] < heap[child]) child += 1;
      if (heap[child] > rank) break;
      heap[index] = heap[child];
      index = child;
    }
    heap[index] = rank;
  }
}
