/** `tokenmill export`: a model as a Hugging Face folder. */
import { Command } from 'commander';
import { stderrLog } from '../../core/log.js';
import { exportModel } from '../../trainer/export.js';
import { openWorkspace, withWorkspace } from '../context.js';

export function exportCommand(): Command {
  const command = new Command('export')
    .description('Writes a model as a folder that transformers loads: config, weights and tokenizer.')
    .argument('<model>', 'a run of the workspace, or a folder with config.json and model.safetensors')
    .argument('<out>', 'folder to write; must not exist, or be empty')
    .addHelpText('after', '\nExample:\n  tokenmill export default-tiny ./my-model');
  return withWorkspace(command).action(async (model: string, out: string, flags: { workspace?: string }) => {
    await exportModel(model, out, { workspace: openWorkspace(flags), log: stderrLog });
    stderrLog(`wrote ${out}`);
  });
}
