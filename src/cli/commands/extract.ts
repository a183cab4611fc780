/** `tokenmill extract`: one HTML page -> its main text. */
import { Command } from 'commander';
import { z } from 'zod';
import { extractPage } from '../../ingest/formats/page.js';
import { normalizeText } from '../../ingest/formats/normalize.js';
import { readingConfig, readingSettings } from '../../ingest/reading.js';
import { MAX_RECORD_BYTES } from '../../ingest/records.js';
import { readInput, settingsOf, withSettings, write } from '../context.js';

const extractSchema = z.object(readingSettings).omit({ extractTimeout: true });

export function extractCommand(): Command {
  const command = new Command('extract')
    .description('Prints the main text of one HTML page.')
    .argument('[file]', 'the page; - or nothing reads standard input')
    .option('--url <url>', 'address of the page, for relative links and a date in it')
    .option('--json', 'print the text and what the page says of itself as JSON')
    .addHelpText(
      'after',
      `
Examples:
  tokenmill extract page.html
  tokenmill extract page.html --extract markdown --keep-links --url https://example.com/page
  tokenmill extract - --json < page.html
JSON has: text, title, author, published, language, site_name, canonical_url, robots, url, charset.`,
    );
  return withSettings(command, extractSchema).action(run);
}

async function run(
  file: string | undefined,
  flags: Record<string, unknown> & { url?: string; json?: boolean },
): Promise<void> {
  const reading = readingConfig(await settingsOf('extract', extractSchema, flags));
  const { url } = flags;
  const bytes = await readInput(file, MAX_RECORD_BYTES);
  const { title, language, date, charset, page, ...rest } = extractPage(bytes, { url, reading });
  const text = normalizeText(rest.text, reading.normalize);
  if (flags.json !== true) {
    await write(`${text}\n`);
    return;
  }
  const result = {
    text,
    title,
    author: page?.author ?? null,
    published: date,
    language,
    site_name: page?.siteName ?? null,
    canonical_url: page?.canonicalUrl ?? null,
    robots: page?.robots ?? null,
    url: url ?? null,
    charset,
  };
  await write(`${JSON.stringify(result)}\n`);
}
