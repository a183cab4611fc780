/**
 * Progress on stderr: one line that is redrawn on a terminal, a plain line every few seconds elsewhere.
 * Without a total it shows amount and rate; with one also the share done and the time left.
 */
import { formatDuration } from './format.js';

export interface ProgressState {
  /** What is done, in the unit of `total`. */
  readonly done: number;
  readonly total?: number;
  /** Free text behind the figures, for example "1,204 documents". */
  readonly note?: string;
}

export interface ProgressOptions {
  readonly label: string;
  readonly format: (amount: number) => string;
  readonly stream?: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  /** Milliseconds now; tests give their own clock. */
  readonly now?: () => number;
}

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5000;
const BAR_WIDTH = 24;

export class Progress {
  private readonly options: Required<ProgressOptions>;
  private readonly start: number;
  private last: number;
  private drawn = false;

  constructor(options: ProgressOptions) {
    this.options = { stream: process.stderr, now: () => performance.now(), ...options };
    this.start = this.options.now();
    this.last = this.start;
  }

  update(state: ProgressState): void {
    const now = this.options.now();
    const terminal = this.options.stream.isTTY === true;
    if (now - this.last < (terminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS)) return;
    this.last = now;
    const line = this.line(state, (now - this.start) / 1000);
    if (terminal) {
      this.options.stream.write(`\r\u001b[2K${line.slice(0, (this.options.stream.columns ?? 80) - 1)}`);
      this.drawn = true;
    } else {
      this.options.stream.write(`${line}\n`);
    }
  }

  /** Removes the bar so that other output starts on a clean line. */
  clear(): void {
    if (this.drawn) this.options.stream.write('\r\u001b[2K');
    this.drawn = false;
  }

  private line(state: ProgressState, seconds: number): string {
    const { label, format } = this.options;
    const rate = seconds > 0 ? state.done / seconds : 0;
    const speed = `${format(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate))}/s`;
    const note = state.note === undefined ? '' : `  ${state.note}`;
    if (state.total === undefined || state.total <= 0) {
      return `${label} ${format(state.done)}  ${speed}${note}`;
    }
    const share = Math.min(1, state.done / state.total);
    const filled = Math.round(share * BAR_WIDTH);
    const left = rate > 0 ? `  ${formatDuration((state.total - state.done) / rate)} left` : '';
    return `${label} [${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${(share * 100).toFixed(0)}%  ${format(state.done)} of ${format(state.total)}  ${speed}${left}${note}`;
  }
}
