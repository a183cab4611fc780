/** `tokenmill dedup`: finds exact and near duplicates among documents, without a workspace; and what belongs to it. */
import { Command } from 'commander';
import { z } from 'zod';
import { byteSize } from '../../core/config.js';
import { dedupTexts } from '../../filters/dedup/dedup-texts.js';
import { INDEX_MEMORY } from '../../filters/dedup/dedup-index.js';
import { dedupConfig, dedupSettings } from '../../filters/dedup/settings.js';
import { readNamedTexts } from '../../ingest/texts.js';
import { settingsOf, withSettings, write } from '../context.js';
import { JsonLines } from '../json-lines.js';
import { checkCommand } from './dedup/check.js';
import { clustersCommand } from './dedup/clusters.js';
import { linesCommand } from './dedup/lines.js';
import { ngramsCommand } from './dedup/ngrams.js';
import { planCommand } from './dedup/plan.js';
import { signaturesCommand } from './dedup/signatures.js';

const dedupSchema = z.object({
  ...dedupSettings,
  out: z
    .string()
    .optional()
    .describe('file for the documents that are no duplicates, as JSONL of {id, url, text}'),
  memory: byteSize.pipe(z.number().min(1e6)).default(INDEX_MEMORY).describe('memory of the index in bytes'),
});

export function dedupCommand(): Command {
  const command = new Command('dedup')
    .description('Prints, for each document in order, the earlier document that it duplicates, if any.')
    .argument('<file...>', 'each file a text, or JSONL of {id, text}, or any other format that ingest reads')
    .option('--json', 'print {"id", "duplicate_of", "jaccard", "reason"} a line')
    // So that the options behind a subcommand are its own.
    .enablePositionalOptions()
    .addHelpText(
      'after',
      `
Examples:
  tokenmill dedup notes/*.txt
  tokenmill dedup corpus.jsonl --threshold 0.8 --json
  tokenmill dedup corpus.jsonl --minhash cs336 --out unique.jsonl
  tokenmill dedup crawl.warc.gz --exact text,payload,url --verify 0.7
A file that is called like a subcommand: ./lines`,
    );
  for (const subcommand of [
    linesCommand(),
    ngramsCommand(),
    planCommand(),
    signaturesCommand(),
    clustersCommand(),
    checkCommand(),
  ]) {
    command.addCommand(subcommand);
  }
  return withSettings(command, dedupSchema).action(run);
}

async function run(files: string[], flags: Record<string, unknown> & { json?: boolean }): Promise<void> {
  const { out, memory, ...request } = await settingsOf('dedup', dedupSchema, flags);
  const config = dedupConfig(request);
  const unique = out === undefined ? undefined : new JsonLines(out);
  for await (const { item, duplicate } of dedupTexts(readNamedTexts(files), { config, memory })) {
    const { id, url, text } = item;
    if (duplicate === undefined) await unique?.write({ id, url: url ?? undefined, text });
    const duplicateOf = duplicate?.duplicateOf ?? null;
    const jaccard = duplicate?.jaccard ?? null;
    if (flags.json === true) {
      const reason = duplicate?.reason ?? null;
      await write(`${JSON.stringify({ id, duplicate_of: duplicateOf, jaccard, reason })}\n`);
    } else if (duplicate === undefined) await write(`${id}\n`);
    else await write(`${id}\tduplicate of ${duplicateOf}\t${jaccard?.toFixed(2)}\n`);
  }
  await unique?.close();
}
