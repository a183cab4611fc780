/**
 * Ends a text at the first of several stop sequences. Text that may be the beginning of one is held back until it is known
 * not to be, so that no part of a stop sequence is ever given out.
 */
export class StopFilter {
  private readonly stops: readonly string[];
  private held = '';
  stopped = false;

  /** @param stops none of them empty */
  constructor(stops: readonly string[]) {
    this.stops = stops;
  }

  /** Text that may be given out now. Nothing more comes once `stopped` is set. */
  push(text: string): string {
    if (this.stopped) return '';
    const all = this.held + text;
    const places = this.stops.map((stop) => all.indexOf(stop)).filter((place) => place !== -1);
    if (places.length > 0) {
      this.stopped = true;
      this.held = '';
      return all.slice(0, Math.min(...places));
    }
    const keep = Math.max(0, ...this.stops.map((stop) => overlap(all, stop)));
    this.held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
  }

  /** What was held back and turned out to be no stop sequence. */
  end(): string {
    const rest = this.held;
    this.held = '';
    return rest;
  }
}

/** Length of the longest proper beginning of `stop` that `text` ends with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
