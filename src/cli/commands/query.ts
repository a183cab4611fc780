/** `tokenmill query`: SQL over everything that is committed in a workspace. */
import { Command, Option } from 'commander';
import { openDatabase } from '../../store/database.js';
import { QUERY_FORMATS, runQuery, type QueryFormat } from '../../store/query.js';
import { createViews } from '../../store/views.js';
import { openWorkspace, withWorkspace } from '../context.js';

export function queryCommand(): Command {
  const command = new Command('query')
    .description(
      'Runs one SELECT over the views documents, signatures, commits, sources, bad_records, shards, queue and training.',
    )
    .argument('<sql>', 'the statement, in the dialect of DuckDB')
    .addOption(new Option('--format <format>', 'form of the answer').choices(QUERY_FORMATS).default('table'))
    .option('--dataset <dataset>', 'only this dataset')
    .addHelpText(
      'after',
      `
Examples:
  tokenmill query "select verdict, reason, count(*) from documents group by all order by all"
  tokenmill query "select source, "offset", length, url from documents where word_count > 1000" --format csv
  tokenmill query "describe documents"`,
    );
  return withWorkspace(command).action(run);
}

async function run(
  sql: string,
  flags: { format: QueryFormat; dataset?: string; workspace?: string },
): Promise<void> {
  const database = await openDatabase();
  try {
    await createViews(database.connection, openWorkspace(flags), { dataset: flags.dataset });
    await runQuery(database.connection, sql, { format: flags.format }, process.stdout);
  } finally {
    database.close();
  }
}
