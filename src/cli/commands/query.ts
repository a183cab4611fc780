/** `tokenmill query`: SQL over everything that is committed in a workspace. */
import { Command, Option } from 'commander';
import { writeParts } from '../../store/query/output.js';
import { executeQuery, QUERY_FORMATS, type QueryFormat } from '../../store/query/run.js';
import { VIEWS } from '../../store/views.js';
import { withWorkspace } from '../context.js';
import { withViews } from '../views.js';

export function queryCommand(): Command {
  const command = new Command('query')
    .description(`Runs one SELECT over the views ${VIEWS.join(', ')}.`)
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
  await withViews(flags, (connection) =>
    writeParts(executeQuery(connection, { sql, format: flags.format }), process.stdout),
  );
}
