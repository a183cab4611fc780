/** `tokenmill dedup signatures`: the signature of each document, Tokenmill's own or datatrove's, for comparison. */
import { Command } from 'commander';
import { z } from 'zod';
import { integer } from '../../../core/config.js';
import { dedupConfig, dedupSettings } from '../../../filters/dedup/settings.js';
import { datatroveSignature } from '../../../filters/minhash/datatrove.js';
import { signatureOf } from '../../../filters/minhash/signature.js';
import { readNamedTexts } from '../../../ingest/texts.js';
import { settingsOf, withSettings, write } from '../../context.js';

const { minhash, threshold, shingle } = dedupSettings;
const signaturesSchema = z.object({
  minhash,
  threshold,
  shingle,
  seed: integer(0, 0xffffffff).optional().describe('chooses the permutations (default: 1)'),
  hash: z
    .enum(['tokenmill', 'datatrove'])
    .default('tokenmill')
    .describe('tokenmill, or datatrove: bit for bit what datatrove computes with 64-bit SHA-1'),
});

export function signaturesCommand(): Command {
  const command = new Command('signatures')
    .description(
      'Prints {"id", "minhashes"} for each document, bands one after the other; datatrove has none for a document with fewer words than a shingle. Values are decimal texts where they exceed 53 bits.',
    )
    .argument('<file...>', 'inputs in any format that ingest reads')
    .addHelpText('after', '\nExamples:\n  tokenmill dedup signatures corpus.jsonl --hash datatrove');
  return withSettings(command, signaturesSchema).action(run);
}

async function run(files: string[], flags: Record<string, unknown>): Promise<void> {
  const { hash, seed = 1, ...request } = await settingsOf('dedup', signaturesSchema, flags);
  const parameters = { ...dedupConfig(request).minhash, seed };
  for await (const { id, text } of readNamedTexts(files)) {
    const minhashes =
      hash === 'datatrove'
        ? Array.from(datatroveSignature(text, parameters) ?? [], String)
        : [...signatureOf(text, parameters).minhashes];
    await write(`${JSON.stringify({ id, minhashes })}\n`);
  }
}
