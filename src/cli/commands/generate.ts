/** `tokenmill generate`: a model continues a prompt. */
import { Command } from 'commander';
import { z } from 'zod';
import { integer } from '../../core/config.js';
import { stderrLog } from '../../core/log.js';
import { openEngine } from '../../trainer/engine.js';
import { generate } from '../../trainer/generate.js';
import { type ModelFolder, openModelFolder } from '../../trainer/model-folder.js';
import { modelSize } from '../../trainer/models/registry.js';
import { trainOptionsSchema } from '../../trainer/options.js';
import { compileInference } from '../../trainer/programs/inference.js';
import { openWorkspace, settingsOf, withSettings, withWorkspace, write } from '../context.js';

const generateOptionsSchema = trainOptionsSchema.pick({ engine: true, device: true, threads: true }).extend({
  maxTokens: integer(1).default(200).describe('tokens at most'),
  temperature: z.coerce.number().min(0).default(0.8).describe('0 always takes the likeliest token'),
  topK: integer(1).optional().describe('choose among so many of the likeliest tokens (default: all)'),
  topP: z.coerce
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('choose among the likeliest tokens that have this probability together'),
  seed: integer(0, 0xffff_ffff).default(1).describe('same seed, same text'),
});

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Lets a model continue a prompt, or begin a text where there is none.')
    .argument(
      '<model>',
      'a run of the workspace, or a folder with config.json, model.safetensors and a tokenizer',
    )
    .argument('[prompt]', 'the text to continue', '')
    .addHelpText(
      'after',
      '\nExamples:\n  tokenmill generate default-tiny "The old bridge"\n  tokenmill generate my-model/ "Once" --temperature 0 --max-tokens 50',
    );
  return withWorkspace(withSettings(command, generateOptionsSchema)).action(run);
}

async function run(
  path: string,
  prompt: string,
  flags: Record<string, unknown> & { workspace?: string },
): Promise<void> {
  const options = await settingsOf('generate', generateOptionsSchema, flags);
  const model = await openModelFolder(path, openWorkspace(flags), stderrLog);
  const tokenizer = await model.tokenizer();
  const program = await compileInference(model.config, await model.parameters(), {
    engine: await openEngine(options),
    threads: options.threads,
    context: contextFor(model, tokenizer.encode(prompt).length, options.maxTokens),
  });
  try {
    await write(prompt);
    const { temperature, topP, maxTokens, seed } = options;
    const choice = { temperature, topK: options.topK ?? null, topP, maxTokens, seed };
    for await (const piece of generate(program, tokenizer, prompt, choice)) await write(piece);
    await write('\n');
  } finally {
    await program.dispose();
  }
}

/** No more positions than the text can have: the cache and each step's work grow with them. */
function contextFor({ config }: ModelFolder, prompt: number, more: number): number {
  return Math.min(modelSize(config).positions, Math.max(1, prompt) + more);
}
