/** `tokenmill extract`: one HTML page -> its main text. */
import { Command } from 'commander';
import { extractPage } from '../../ingest/formats/page.js';
import { MAX_RECORD_BYTES } from '../../ingest/records.js';
import { readInput, write } from '../context.js';

export function extractCommand(): Command {
  return new Command('extract')
    .description('Prints the main text of one HTML page.')
    .argument('[file]', 'the page; - or nothing reads standard input')
    .option('--url <url>', 'address of the page')
    .option('--json', 'print {text, title, language, url, charset} as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  tokenmill extract page.html\n  tokenmill extract - --url https://example.com/ --json < page.html',
    )
    .action(run);
}

async function run(file: string | undefined, flags: { url?: string; json?: boolean }): Promise<void> {
  const page = extractPage(await readInput(file, MAX_RECORD_BYTES), { url: flags.url });
  await write(
    flags.json === true ? `${JSON.stringify({ ...page, url: flags.url ?? null })}\n` : `${page.text}\n`,
  );
}
