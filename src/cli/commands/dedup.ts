/** `tokenmill dedup`: finds exact and near duplicates among documents, without a workspace. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { Command } from 'commander';
import { z } from 'zod';
import { byteSize } from '../../core/config.js';
import { fromSystemError } from '../../core/errors.js';
import { dedupTexts } from '../../filters/dedup/dedup-texts.js';
import { INDEX_MEMORY } from '../../filters/dedup/dedup-index.js';
import { dedupConfig, dedupSettings } from '../../filters/dedup/settings.js';
import { readNamedTexts } from '../../ingest/texts.js';
import { settingsOf, withSettings, write } from '../context.js';

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
    .addHelpText(
      'after',
      `
Examples:
  tokenmill dedup notes/*.txt
  tokenmill dedup corpus.jsonl --threshold 0.8 --json
  tokenmill dedup corpus.jsonl --minhash cs336 --out unique.jsonl
  tokenmill dedup crawl.warc.gz --exact text,payload,url --verify 0.7`,
    );
  return withSettings(command, dedupSchema).action(run);
}

async function run(files: string[], flags: Record<string, unknown> & { json?: boolean }): Promise<void> {
  const { out, memory, ...request } = await settingsOf('dedup', dedupSchema, flags);
  const config = dedupConfig(request);
  const sink = out === undefined ? undefined : new JsonLines(out);
  for await (const { item, duplicate } of dedupTexts(readNamedTexts(files), { config, memory })) {
    const { id, url, text } = item;
    const duplicateOf = duplicate?.duplicateOf ?? null;
    const jaccard = duplicate?.jaccard ?? null;
    if (flags.json === true) {
      const reason = duplicate?.reason ?? null;
      await write(`${JSON.stringify({ id, duplicate_of: duplicateOf, jaccard, reason })}\n`);
    } else {
      await write(
        duplicate === undefined ? `${id}\n` : `${id}\tduplicate of ${duplicateOf}\t${jaccard?.toFixed(2)}\n`,
      );
    }
    if (duplicate === undefined) await sink?.write({ id, url: url ?? undefined, text });
  }
  await sink?.close();
}

/** A file of JSON lines. */
class JsonLines {
  private readonly path: string;
  private readonly stream: WriteStream;
  private failure: Error | undefined;

  constructor(path: string) {
    this.path = path;
    this.stream = createWriteStream(path);
    this.stream.on('error', (error) => {
      this.failure = error;
    });
  }

  async write(value: unknown): Promise<void> {
    if (!this.stream.write(`${JSON.stringify(value)}\n`) && this.failure === undefined) {
      await Promise.race([once(this.stream, 'drain'), once(this.stream, 'close')]);
    }
    this.check();
  }

  async close(): Promise<void> {
    this.check();
    this.stream.end();
    await once(this.stream, 'close');
    this.check();
  }

  private check(): void {
    if (this.failure !== undefined) throw fromSystemError(this.failure, this.path);
  }
}
