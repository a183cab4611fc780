/** `tokenmill dedup lines`: takes repeated lines, paragraphs or spans of sentences out of a corpus. */
import { Command } from 'commander';
import { z } from 'zod';
import { byteSize, integer } from '../../../core/config.js';
import { TokenmillError } from '../../../core/errors.js';
import { formatCount } from '../../../core/format.js';
import { stderrLog } from '../../../core/log.js';
import { dedupSpans } from '../../../filters/dedup/spans.js';
import { readNamedTexts } from '../../../ingest/texts.js';
import { settingsOf, withSettings } from '../../context.js';
import { JsonLines } from '../../json-lines.js';

const linesSchema = z.object({
  unit: z
    .enum(['line', 'paragraph', 'sentence'])
    .default('line')
    .describe('what is taken out: line, paragraph, sentence'),
  span: integer(1, 100)
    .default(1)
    .describe('how many of them in a row are compared, as C4 does with 3 sentences'),
  mode: z
    .enum(['keep-first', 'drop-all'])
    .default('keep-first')
    .describe('keep-first keeps the first of equal ones; drop-all drops what occurs more than once anywhere'),
  normalize: z
    .boolean()
    .default(false)
    .describe('compare without case, accents, punctuation and with digits as 0, as CCNet does'),
  out: z.string().optional().describe('file for the result (default: stdout)'),
  memory: byteSize.pipe(z.number().min(1e6)).default(256_000_000).describe('memory of the index in bytes'),
});

export function linesCommand(): Command {
  const command = new Command('lines')
    .description(
      'Takes repeated lines, paragraphs or spans of sentences out of documents and writes JSONL of {id, url, text, removed}; a document with nothing left is left out.',
    )
    .argument('<file...>', 'inputs in any format that ingest reads')
    .addHelpText(
      'after',
      `
Examples:
  tokenmill dedup lines crawl/*.wet.gz --mode drop-all --out clean.jsonl      every line that occurs more than once goes (CS336)
  tokenmill dedup lines corpus.jsonl --unit paragraph --normalize             the first of equal paragraphs stays (CCNet)
  tokenmill dedup lines corpus.jsonl --unit sentence --span 3                 spans of three sentences (C4)
  tokenmill ingest clean.jsonl --dataset clean`,
    );
  return withSettings(command, linesSchema).action(run);
}

async function run(files: string[], flags: Record<string, unknown>): Promise<void> {
  const { out, ...options } = await settingsOf('dedup-lines', linesSchema, flags);
  if (options.mode === 'drop-all' && files.includes('-')) {
    throw new TokenmillError(
      'USAGE',
      'drop-all reads its inputs twice, and standard input can be read once',
      {
        hint: 'write it to a file first, or use --mode keep-first',
      },
    );
  }
  const result = new JsonLines(out);
  const totals = { documents: 0, empty: 0, segments: 0, removed: 0 };
  for await (const { item, text, segments, removed } of dedupSpans(() => readNamedTexts(files), options)) {
    totals.documents += 1;
    totals.segments += segments;
    totals.removed += removed;
    if (text === '') totals.empty += 1;
    else await result.write({ id: item.id, url: item.url ?? undefined, text, removed });
  }
  await result.close();
  stderrLog(
    `${formatCount(totals.removed)} of ${formatCount(totals.segments)} ${options.unit}s taken out of ${formatCount(totals.documents)} documents; ${formatCount(totals.empty)} have nothing left`,
  );
}
