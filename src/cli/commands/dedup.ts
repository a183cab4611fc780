/** `tokenmill dedup`: finds exact and near duplicates among texts, without a workspace. */
import { Command } from 'commander';
import { z } from 'zod';
import { resolveConfig } from '../../core/config.js';
import { dedupTexts } from '../../filters/dedup-texts.js';
import { readNamedTexts } from '../../ingest/texts.js';
import { withSettings, write } from '../context.js';

const dedupSchema = z.object({
  threshold: z.coerce
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      'Jaccard similarity from which pairs are found with even odds (default: 14 bands of 8 rows, about 0.72)',
    ),
});

export function dedupCommand(): Command {
  const command = new Command('dedup')
    .description('Prints, for each document in order, the earlier document that it duplicates, if any.')
    .argument('<file...>', 'each file a text, or JSONL of {id, text}, or any other format that ingest reads')
    .option('--json', 'print {"id", "duplicate_of", "jaccard"} a line')
    .addHelpText(
      'after',
      '\nExamples:\n  tokenmill dedup notes/*.txt\n  tokenmill dedup corpus.jsonl --threshold 0.8 --json',
    );
  return withSettings(command, dedupSchema).action(async (files: string[], flags: { json?: boolean }) => {
    const { threshold } = resolveConfig(dedupSchema, { flags });
    for await (const { id, duplicate_of, jaccard } of dedupTexts(readNamedTexts(files), { threshold })) {
      if (flags.json === true) await write(`${JSON.stringify({ id, duplicate_of, jaccard })}\n`);
      else
        await write(
          duplicate_of === null ? `${id}\n` : `${id}\tduplicate of ${duplicate_of}\t${jaccard?.toFixed(2)}\n`,
        );
    }
  });
}
