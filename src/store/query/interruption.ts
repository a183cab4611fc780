/** The end of a statement from outside: by a signal, or because its time is over. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../../core/errors.js';

/** An interrupt that comes before the statement runs is lost; it is repeated until the statement has ended. */
const INTERRUPT_MS = 20;

/** Ends a statement when a signal says so or its time is over. */
export class Interruption {
  /** Why it was interrupted. */
  reason: TokenmillError | undefined;
  private readonly connection: DuckDBConnection;
  private readonly signal: AbortSignal | undefined;
  private readonly timer: NodeJS.Timeout | undefined;
  private repeat: NodeJS.Timeout | undefined;
  private readonly onAbort = (): void => {
    this.interrupt(new TokenmillError('INTERRUPTED', 'the query was cancelled'));
  };

  constructor(connection: DuckDBConnection, signal: AbortSignal | undefined, milliseconds: number) {
    this.connection = connection;
    this.signal = signal;
    if (signal?.aborted === true) this.onAbort();
    signal?.addEventListener('abort', this.onAbort, { once: true });
    if (Number.isFinite(milliseconds)) {
      const error = new TokenmillError('SQL_TIMEOUT', `the query took longer than ${milliseconds / 1000} s`, {
        hint: 'filter first, or aggregate more coarsely',
      });
      this.timer = setTimeout(() => this.interrupt(error), milliseconds);
    }
  }

  /** @throws TokenmillError the reason, where there is one */
  check(): void {
    if (this.reason !== undefined) throw this.reason;
  }

  end(): void {
    clearTimeout(this.timer);
    clearInterval(this.repeat);
    this.signal?.removeEventListener('abort', this.onAbort);
  }

  private interrupt(reason: TokenmillError): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.connection.interrupt();
    this.repeat = setInterval(() => this.connection.interrupt(), INTERRUPT_MS);
  }
}
