#!/usr/bin/env node
/** The command line: one program of subcommands. Exit status: 0 ok, 1 failure, 2 usage, 3 bad data, 130 interrupted. */
import { Command, CommanderError } from 'commander';
import { describeError, EXIT, TokenmillError } from '../core/errors.js';
import { packageVersion } from '../core/paths.js';
import { dedupCommand } from './commands/dedup.js';
import { evalCommand } from './commands/eval.js';
import { exportCommand } from './commands/export.js';
import { extractCommand } from './commands/extract.js';
import { generateCommand } from './commands/generate.js';
import { ingestCommand } from './commands/ingest.js';
import { inspectCommand } from './commands/inspect.js';
import { queryCommand } from './commands/query.js';
import { queueCommand } from './commands/queue.js';
import { showCommand } from './commands/show.js';
import { tokenizerCommand } from './commands/tokenizer.js';
import { trainCommand } from './commands/train.js';

export function createProgram(): Command {
  const program = new Command('tokenmill')
    .description('Turns raw web crawl into a trained language model.')
    .version(packageVersion())
    .showHelpAfterError('(see --help)')
    .configureHelp({ showGlobalOptions: false });
  for (const command of [
    ingestCommand(),
    extractCommand(),
    inspectCommand(),
    dedupCommand(),
    queryCommand(),
    showCommand(),
    tokenizerCommand(),
    trainCommand(),
    evalCommand(),
    generateCommand(),
    exportCommand(),
    queueCommand(),
  ]) {
    program.addCommand(command);
  }
  const overrideExit = (command: Command): void => {
    command.exitOverride();
    command.commands.forEach(overrideExit);
  };
  overrideExit(program);
  return program;
}

async function main(): Promise<number> {
  try {
    await createProgram().parseAsync();
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    process.stderr.write(`${describeError(error)}\n`);
    return error instanceof TokenmillError ? error.exitStatus : EXIT.failure;
  }
}

// A reader that closes the pipe early, such as `head`, ends the program quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await main();
