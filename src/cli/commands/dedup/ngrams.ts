/** `tokenmill dedup ngrams`: takes out paragraphs and documents whose n-grams have occurred before, by a Bloom filter. */
import { Command } from 'commander';
import { z } from 'zod';
import { byteSize, integer } from '../../../core/config.js';
import { formatBytes, formatCount } from '../../../core/format.js';
import { stderrLog } from '../../../core/log.js';
import { NgramDeduplicator } from '../../../filters/dedup/ngrams.js';
import { readNamedTexts } from '../../../ingest/texts.js';
import { settingsOf, withSettings } from '../../context.js';
import { JsonLines } from '../../json-lines.js';

const share = z.coerce.number().gt(0).max(1);

const ngramsSchema = z.object({
  size: integer(1, 1000).default(13).describe('words of an n-gram'),
  threshold: share
    .default(0.8)
    .describe('share of n-grams seen before from which a paragraph or document is a copy'),
  expected: integer(1)
    .default(100_000_000)
    .describe('n-grams that the filter is made for, about the words of the corpus'),
  rate: share.default(0.01).describe('false-positive rate of the filter once it holds so many'),
  memory: byteSize
    .pipe(z.number().min(1000))
    .default(1_000_000_000)
    .describe('bytes that the filter may have at most'),
  out: z.string().optional().describe('file for the result (default: stdout)'),
});

export function ngramsCommand(): Command {
  const command = new Command('ngrams')
    .description(
      'Takes out paragraphs (lines) and documents most of whose n-grams have occurred before, in fixed memory, and writes JSONL of {id, url, text, removed, seen}; copies are left out.',
    )
    .argument('<file...>', 'inputs in any format that ingest reads')
    .addHelpText(
      'after',
      `
Examples:
  tokenmill dedup ngrams crawl/*.wet.gz --out clean.jsonl                     13-grams, threshold 0.8, rate 0.01, as DCLM
  tokenmill dedup ngrams corpus.jsonl --expected 2000000000 --memory 3GB`,
    );
  return withSettings(command, ngramsSchema).action(run);
}

async function run(files: string[], flags: Record<string, unknown>): Promise<void> {
  const { out, ...options } = await settingsOf('dedup-ngrams', ngramsSchema, flags);
  const deduplicator = new NgramDeduplicator(options);
  const result = new JsonLines(out);
  const totals = { documents: 0, copies: 0, paragraphs: 0, removed: 0 };
  for await (const { id, url, text } of readNamedTexts(files)) {
    const outcome = deduplicator.next(text);
    totals.documents += 1;
    totals.paragraphs += outcome.paragraphs;
    totals.removed += outcome.removed;
    if (outcome.text === '') totals.copies += 1;
    else {
      const { removed, seen } = outcome;
      await result.write({ id, url: url ?? undefined, text: outcome.text, removed, seen });
    }
  }
  await result.close();
  const { filter } = deduplicator;
  stderrLog(
    `${formatCount(totals.removed)} of ${formatCount(totals.paragraphs)} paragraphs taken out of ${formatCount(totals.documents)} documents; ${formatCount(totals.copies)} are copies altogether`,
  );
  const rate = filter.falsePositiveRate();
  stderrLog(
    `filter: ${formatBytes(filter.bytes)}, at most ${formatCount(filter.added)} n-grams, false-positive rate ${rate.toPrecision(2)}${rate > options.rate ? `, above ${options.rate}: give a larger --expected or --memory` : ''}`,
  );
}
