/** `tokenmill export`: a model as a Hugging Face folder. */
import { Command } from 'commander';
import { z } from 'zod';
import { integer } from '../../core/config.js';
import { stderrLog } from '../../core/log.js';
import { exportModel } from '../../trainer/export.js';
import { openWorkspace, settingsOf, withSettings, withWorkspace } from '../context.js';

const MEGABYTE = 1_000_000;

const exportOptionsSchema = z.object({
  maxShardSize: integer(1)
    .default(5000)
    .describe('megabytes of a file of weights at most; more of them go into several'),
});

export function exportCommand(): Command {
  const command = new Command('export')
    .description('Writes a model as a folder that transformers loads: config, weights and tokenizer.')
    .argument('<model>', 'a run of the workspace, or a folder with config.json and model.safetensors')
    .argument('<out>', 'folder to write; must not exist, or be empty')
    .addHelpText('after', '\nExample:\n  tokenmill export default-tiny ./my-model');
  return withWorkspace(withSettings(command, exportOptionsSchema)).action(run);
}

async function run(
  model: string,
  out: string,
  flags: Record<string, unknown> & { workspace?: string },
): Promise<void> {
  const { maxShardSize } = await settingsOf('export', exportOptionsSchema, flags);
  await exportModel(
    model,
    out,
    { workspace: openWorkspace(flags), log: stderrLog },
    { maxShardBytes: maxShardSize * MEGABYTE },
  );
  stderrLog(`wrote ${out}`);
}
