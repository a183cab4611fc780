/**
 * Progress on stderr: one line that is redrawn on a terminal, a plain line every few seconds elsewhere, a report a
 * second for a program.
 * Without a total it shows amount and rate; with one also the share done and the time left.
 */
import { formatDuration } from './format.js';
import { reportsAreJson, type Report } from './reports.js';

export interface ProgressState {
  /** What is done, in the unit of `total`. */
  readonly done: number;
  readonly total?: number;
  /** Free text behind the figures, for example "1,204 documents". */
  readonly note?: string;
  /** The figures of the note for a program, by name. */
  readonly values?: Readonly<Record<string, number>>;
}

export interface ProgressOptions {
  readonly label: string;
  readonly format: (amount: number) => string;
  readonly stream?: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  /** Milliseconds now; tests give their own clock. */
  readonly now?: () => number;
  /** Reports in JSON instead of lines. Default: as the environment says. */
  readonly json?: boolean;
}

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5000;
const REPORT_INTERVAL_MS = 1000;
const BAR_WIDTH = 24;

export class Progress {
  private readonly options: Required<ProgressOptions>;
  private readonly start: number;
  private last: number;
  private drawn = false;
  /** What was last given and not written. */
  private latest: ProgressState | undefined;

  constructor(options: ProgressOptions) {
    this.options = {
      stream: process.stderr,
      now: () => performance.now(),
      json: reportsAreJson(),
      ...options,
    };
    this.start = this.options.now();
    this.last = this.start;
  }

  update(state: ProgressState): void {
    const { stream, json } = this.options;
    const now = this.options.now();
    const terminal = stream.isTTY === true;
    this.latest = state;
    const interval = json ? REPORT_INTERVAL_MS : terminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
    if (now - this.last < interval) return;
    this.last = now;
    if (json) {
      this.report(state);
      return;
    }
    const line = this.line(state, (now - this.start) / 1000);
    if (terminal) {
      stream.write(`\r\u001b[2K${line.slice(0, (stream.columns ?? 80) - 1)}`);
      this.drawn = true;
    } else {
      stream.write(`${line}\n`);
    }
  }

  /** Removes the bar so that other output starts on a clean line; a program gets the latest figures instead. */
  clear(): void {
    if (this.options.json && this.latest !== undefined) this.report(this.latest);
    if (this.drawn) this.options.stream.write('\r\u001b[2K');
    this.drawn = false;
  }

  private report({ done, total, note, values }: ProgressState): void {
    this.latest = undefined;
    const report: Report = {
      type: 'progress',
      label: this.options.label,
      done,
      total: total ?? null,
      note: note ?? null,
      values: values ?? {},
    };
    this.options.stream.write(`${JSON.stringify(report)}\n`);
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
