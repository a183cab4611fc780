#!/usr/bin/env node
/**
 * The command line: one program of subcommands. Exit status: 0 ok, 1 failure, 2 usage, 3 bad data, 130 interrupted.
 * Only the module of the command that is asked for is loaded: language tables and engines take a second to load.
 */
import { Command, CommanderError } from 'commander';
import { describeError, EXIT, TokenmillError } from '../core/errors.js';
import { packageVersion } from '../core/paths.js';
import { endWithSupervisor, reportsAreJson, writeReport } from '../core/reports.js';

const COMMANDS: Record<string, () => Promise<Command>> = {
  ingest: async () => (await import('./commands/ingest.js')).ingestCommand(),
  extract: async () => (await import('./commands/extract.js')).extractCommand(),
  inspect: async () => (await import('./commands/inspect.js')).inspectCommand(),
  dedup: async () => (await import('./commands/dedup.js')).dedupCommand(),
  query: async () => (await import('./commands/query.js')).queryCommand(),
  sql: async () => (await import('./commands/sql.js')).sqlCommand(),
  show: async () => (await import('./commands/show.js')).showCommand(),
  tokenizer: async () => (await import('./commands/tokenizer.js')).tokenizerCommand(),
  train: async () => (await import('./commands/train.js')).trainCommand(),
  eval: async () => (await import('./commands/eval.js')).evalCommand(),
  generate: async () => (await import('./commands/generate.js')).generateCommand(),
  export: async () => (await import('./commands/export.js')).exportCommand(),
  mask: async () => (await import('./commands/mask.js')).maskCommand(),
  policy: async () => (await import('./commands/policy.js')).policyCommand(),
  queue: async () => (await import('./commands/queue.js')).queueCommand(),
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand(),
  serve: async () => (await import('./commands/serve.js')).serveCommand(),
};

async function createProgram(name: string | undefined): Promise<Command> {
  const program = new Command('tokenmill')
    .description('Turns raw web crawl into a trained language model.')
    .version(packageVersion())
    // An option belongs to the subcommand that it stands behind.
    .enablePositionalOptions()
    .showHelpAfterError('(see --help)');
  const one =
    name !== undefined && Object.hasOwn(COMMANDS, name) ? [COMMANDS[name]] : Object.values(COMMANDS);
  for (const load of one) program.addCommand(await load());
  const overrideExit = (command: Command): void => {
    command.exitOverride();
    command.commands.forEach(overrideExit);
  };
  overrideExit(program);
  return program;
}

async function main(): Promise<number> {
  try {
    await (await createProgram(process.argv[2])).parseAsync();
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (reportsAreJson()) reportError(error);
    else process.stderr.write(`${describeError(error)}\n`);
    return error instanceof TokenmillError ? error.exitStatus : EXIT.failure;
  }
}

function reportError(error: unknown): void {
  const known = error instanceof TokenmillError ? error : undefined;
  writeReport({
    type: 'error',
    code: known?.code ?? 'INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    place: known?.place ?? {},
    hint: known?.hint ?? null,
  });
}

// A reader that closes the pipe early, such as `head`, ends the program quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

endWithSupervisor();
process.exitCode = await main();
