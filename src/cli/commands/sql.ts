/** `tokenmill sql`: a shell for SQL over the workspace; statements from a pipe run one after the other. */
import { appendFile, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { Command, Option } from 'commander';
import { describeError, TokenmillError } from '../../core/errors.js';
import { SIGNALS } from '../../filters/signals/index.js';
import { listReports } from '../../store/query/reports.js';
import type { QueryFormat } from '../../store/query/run.js';
import { VIEWS, viewColumns } from '../../store/views.js';
import { withWorkspace } from '../context.js';
import { openSession, type SessionFlags } from '../session.js';
import { completeLine } from '../sql/completion.js';
import { SHELL_FORMATS, SqlShell } from '../sql/shell.js';

const MAX_HISTORY = 1000;

interface Flags extends SessionFlags {
  readonly format: QueryFormat;
}

export function sqlCommand(): Command {
  const command = new Command('sql')
    .description('A shell for SQL over the workspace. \\? in it says what it takes.')
    .addOption(
      new Option('--format <format>', 'form of the answers')
        .choices(['table', 'json', 'ndjson', 'csv'])
        .default('table'),
    )
    .option('--dataset <dataset>', 'only this dataset')
    .option('--allow-files', 'let statements read files of this machine')
    .addHelpText(
      'after',
      `
The lines that were typed are kept in ~/.tokenmill_history, or the file that TOKENMILL_HISTORY names.

Examples:
  tokenmill sql
  tokenmill sql --format csv < questions.sql`,
    );
  return withWorkspace(command).action(run);
}

async function run(flags: Flags): Promise<void> {
  const session = await openSession(flags);
  try {
    const shell = new SqlShell(session, process.stdout, flags.format);
    if (process.stdin.isTTY) await talk(shell);
    else await runScript(shell);
  } finally {
    await session.close();
  }
}

/** @throws TokenmillError of the first statement that fails; those behind it are not run */
async function runScript(shell: SqlShell): Promise<void> {
  const interrupt = (): void => shell.interrupt();
  process.once('SIGINT', interrupt);
  try {
    const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
    for await (const line of lines) {
      if (!(await shell.line(line))) return;
    }
    await shell.end();
  } finally {
    process.off('SIGINT', interrupt);
  }
}

async function talk(shell: SqlShell): Promise<void> {
  const history = process.env['TOKENMILL_HISTORY'] ?? join(homedir(), '.tokenmill_history');
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    historySize: MAX_HISTORY,
    history: await readHistory(history),
    completer: await completer(),
  });
  terminal.on('SIGINT', () => {
    const { isRunning } = shell;
    shell.interrupt();
    // What was typed of a line goes too: to its end, then all before that.
    terminal.write(null, { ctrl: true, name: 'e' });
    terminal.write(null, { ctrl: true, name: 'u' });
    process.stdout.write('\n');
    // A statement that ends shows its error first, and the prompt then.
    if (!isRunning) prompt(terminal, shell);
  });
  prompt(terminal, shell);
  for await (const line of terminal) {
    // A history that cannot be kept is no reason to stop.
    if (line.trim() !== '') await appendFile(history, `${line}\n`, { mode: 0o600 }).catch(() => undefined);
    try {
      if (!(await shell.line(line))) break;
    } catch (error) {
      if (!(error instanceof TokenmillError)) throw error;
      process.stderr.write(`${describeError(error)}\n`);
    }
    prompt(terminal, shell);
  }
  terminal.close();
  process.stdout.write('\n');
}

async function completer(): Promise<(line: string) => [string[], string]> {
  const columns = Object.values(viewColumns(SIGNALS)).flatMap((view) => view.map(({ name }) => name));
  const reports = (await listReports()).map(({ name }) => name);
  return (line) => completeLine(line, { views: VIEWS, columns, reports, formats: SHELL_FORMATS });
}

function prompt(terminal: Interface, shell: SqlShell): void {
  terminal.setPrompt(shell.isPending ? '      ...> ' : 'tokenmill> ');
  terminal.prompt();
}

/** Newest first, as readline wants it. */
async function readHistory(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).slice(-MAX_HISTORY).reverse();
}
