/** `tokenmill queue`: the state of the shards' queue, and a second chance for those that failed. */
import { Command } from 'commander';
import { TokenmillError } from '../../core/errors.js';
import { Queue, type QueueEntry } from '../../store/queue.js';
import { openWorkspace, withWorkspace, write } from '../context.js';

interface Flags {
  dataset: string;
  workspace?: string;
  json?: boolean;
}

export function queueCommand(): Command {
  const command = new Command('queue').description('Shows and mends the queue between ingest and trainers.');
  const shared = (sub: Command): Command =>
    withWorkspace(
      sub.option('--dataset <dataset>', 'dataset of the queue', 'default').option('--json', 'print JSON'),
    );
  command.addCommand(
    shared(new Command('list').description('Lists the entries with their states.')).action(
      async (flags: Flags) => {
        const entries = await openQueue(flags).list();
        await write(flags.json === true ? `${JSON.stringify(entries)}\n` : table(entries));
      },
    ),
  );
  command.addCommand(
    shared(new Command('retry').description('Puts failed entries back to ready, with no attempts counted.'))
      .argument('[name...]', 'entries; none: all that failed')
      .action(async (names: string[], flags: Flags) => {
        const queue = openQueue(flags);
        const failed = (await queue.list()).filter(({ state }) => state === 'failed').map(({ name }) => name);
        const missing = names.find((name) => !failed.includes(name));
        if (missing !== undefined) {
          throw new TokenmillError(
            'USAGE',
            `${missing} is not among the failed entries of ${flags.dataset}`,
            {
              hint: failed.length === 0 ? 'nothing failed' : `failed are: ${failed.join(', ')}`,
            },
          );
        }
        const retried = names.length === 0 ? failed : names;
        for (const name of retried) await queue.retry(name);
        await write(
          flags.json === true
            ? `${JSON.stringify(retried)}\n`
            : `${retried.length} entries are ready again\n`,
        );
      }),
  );
  return command.addHelpText(
    'after',
    '\nExamples:\n  tokenmill queue list --dataset crawl\n  tokenmill queue retry',
  );
}

function openQueue(flags: Flags): Queue {
  return new Queue(openWorkspace(flags).dataset(flags.dataset).queue);
}

function table(entries: readonly QueueEntry[]): string {
  const rows = [
    ['name', 'state', 'attempts', 'tokens', 'owner', 'reason'],
    ...entries.map(({ name, state, attempts, tokens, owner, reason }) => [
      name,
      state,
      String(attempts),
      String(tokens ?? ''),
      owner ?? '',
      reason ?? '',
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return `${rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}
