/**
 * The SQL shell behind `tokenmill sql`: takes lines, runs the statements and commands in them, and writes the answers.
 * It knows no terminal; `commands/sql.ts` does.
 */
import type { Writable } from 'node:stream';
import { TokenmillError } from '../../core/errors.js';
import { writeParts } from '../../store/query/output.js';
import { findReport, listReports, reportValues } from '../../store/query/reports.js';
import type { QueryFormat } from '../../store/query/run.js';
import type { QuerySession } from '../../store/query/session.js';
import type { Parameters } from '../../store/query/statement.js';
import { quoteName } from '../../store/schema.js';
import { collectSetting } from '../settings.js';
import { cutStatements } from './statements.js';

/** Formats that a terminal can show. */
export const SHELL_FORMATS = ['table', 'json', 'ndjson', 'csv'] as const satisfies readonly QueryFormat[];

const HELP = `A statement ends with a semicolon and may go over several lines.
  \\d            the views            \\d VIEW       the columns of one
  \\report       the reports          \\report NAME [a=b ...]   runs one
  \\f FORMAT     ${SHELL_FORMATS.join(', ')}
  \\timing       show how long statements take, or do not
  \\r            forget the lines of the statement so far
  \\q            leave; so does Ctrl-D. Ctrl-C ends the statement that runs.
`;

export class SqlShell {
  private readonly session: QuerySession;
  private readonly output: Writable;
  private format: QueryFormat = 'table';
  private timing = false;
  private pending = '';
  private running: AbortController | undefined;

  constructor(session: QuerySession, output: Writable, format: QueryFormat = 'table') {
    this.session = session;
    this.output = output;
    this.format = format;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Whether lines of an unfinished statement wait for more. */
  get isPending(): boolean {
    return this.pending !== '';
  }

  /**
   * Takes a line. False when it says to leave.
   * @throws TokenmillError of a statement; what stands behind it on the line is not run
   */
  async line(text: string): Promise<boolean> {
    if (!this.isPending && text.trimStart().startsWith('\\')) return this.command(text.trim());
    const { statements, rest } = cutStatements(this.pending + text);
    this.pending = rest === '' ? '' : `${rest}\n`;
    for (const statement of statements) await this.run(statement);
    return true;
  }

  /** Runs what waits for its semicolon: there are no more lines. */
  async end(): Promise<void> {
    const statement = this.pending.trim();
    this.pending = '';
    if (statement !== '') await this.run(statement);
  }

  /** Ends the statement that runs, or forgets the lines that wait. */
  interrupt(): void {
    if (this.running === undefined) this.pending = '';
    else this.running.abort();
  }

  private async run(sql: string, parameters?: Parameters): Promise<void> {
    const started = performance.now();
    const running = new AbortController();
    this.running = running;
    try {
      const parts = this.session.query({ sql, format: this.format, parameters }, running.signal);
      await writeParts(parts, this.output);
    } finally {
      this.running = undefined;
    }
    if (this.timing) this.output.write(`${((performance.now() - started) / 1000).toFixed(3)} s\n`);
  }

  private async command(text: string): Promise<boolean> {
    const [name, ...words] = text.split(/\s+/);
    switch (name) {
      case '\\d':
        await this.describe(words[0]);
        return true;
      case '\\report':
      case '\\reports':
        await this.report(words);
        return true;
      case '\\f':
        this.setFormat(words[0]);
        return true;
      case '\\timing':
        this.timing = !this.timing;
        this.output.write(`timing is ${this.timing ? 'on' : 'off'}\n`);
        return true;
      case '\\r':
        this.pending = '';
        return true;
      case '\\?':
      case '\\h':
      case '\\help':
        this.output.write(HELP);
        return true;
      case '\\q':
      case '\\quit':
        return false;
      default:
        throw new TokenmillError('USAGE', `there is no command ${name}`, { hint: '\\? lists them' });
    }
  }

  private async describe(view: string | undefined): Promise<void> {
    if (view === undefined) await this.run('SELECT name FROM (SHOW TABLES)');
    else await this.run(`SELECT column_name, column_type FROM (DESCRIBE ${quoteName(view)})`);
  }

  private setFormat(name: string | undefined): void {
    const found = SHELL_FORMATS.find((format) => format === name);
    if (found === undefined) {
      throw new TokenmillError('USAGE', `${name ?? 'nothing'} is not a format that can be shown`, {
        hint: `formats are ${SHELL_FORMATS.join(', ')}; tokenmill query writes the others`,
      });
    }
    this.format = found;
  }

  private async report(words: readonly string[]): Promise<void> {
    const [name, ...settings] = words;
    if (name === undefined) {
      for (const { name: report, title, parameters } of await listReports()) {
        this.output.write(`${report.padEnd(14)}${title} (${parameters.map((one) => one.name).join(', ')})\n`);
      }
      return;
    }
    const report = await findReport(name);
    const given = settings.reduce<Record<string, string>>((all, text) => collectSetting(text, all), {});
    await this.run(report.sql, reportValues(report, given));
  }
}
