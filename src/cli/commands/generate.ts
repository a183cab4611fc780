/** `tokenmill generate`: a model continues a prompt. */
import { Command } from 'commander';
import { z } from 'zod';
import { integer } from '../../core/config.js';
import { TokenmillError } from '../../core/errors.js';
import { stderrLog } from '../../core/log.js';
import { openEngine } from '../../trainer/engine.js';
import { type BatchPiece, generate, generateBatch } from '../../trainer/generate.js';
import { type ModelFolder, openModelFolder } from '../../trainer/model-folder.js';
import { modelSize } from '../../trainer/models/registry.js';
import { trainOptionsSchema } from '../../trainer/options.js';
import { compileBatchInference, compileInference } from '../../trainer/programs/inference.js';
import { openWorkspace, settingsOf, withSettings, withWorkspace, write } from '../context.js';

/** Texts at the same time: each has a cache of its own. */
const MAX_TEXTS = 64;

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
  minP: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('choose among tokens that are so many times as likely as the likeliest'),
  repetitionPenalty: z.coerce
    .number()
    .gt(0)
    .default(1)
    .describe('above 1 tokens that the text has already become less likely'),
  samples: integer(1, MAX_TEXTS).default(1).describe('texts for each prompt, made at the same time'),
  seed: integer(0, 0xffff_ffff)
    .default(1)
    .describe('same seed, same text; each text of several has the next one'),
});

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Lets a model continue a prompt, or begin a text where there is none.')
    .argument(
      '<model>',
      'a run of the workspace, or a folder with config.json, model.safetensors and a tokenizer',
    )
    .argument('[prompts...]', 'the texts to continue, several at the same time', [''])
    .option(
      '--stop <text>',
      'end a text before this; may be repeated',
      (text, all: string[]) => [...all, text],
      [],
    )
    .option('--json', 'print {index, prompt, text, end} of each text, a line each')
    .addHelpText(
      'after',
      `
Examples:
  tokenmill generate default-tiny "The old bridge"
  tokenmill generate my-model/ "Once" --temperature 0 --max-tokens 50
  tokenmill generate default-tiny "The old bridge" "A house" --samples 3 --min-p 0.05 --stop "." --json`,
    );
  return withWorkspace(withSettings(command, generateOptionsSchema)).action(run);
}

interface Flags extends Record<string, unknown> {
  readonly workspace?: string;
  readonly stop: readonly string[];
  readonly json?: boolean;
}

async function run(path: string, prompts: readonly string[], flags: Flags): Promise<void> {
  const { samples, topK, engine, device, threads, ...given } = await settingsOf(
    'generate',
    generateOptionsSchema,
    flags,
  );
  if (flags.stop.includes('')) throw new TokenmillError('USAGE', '--stop is empty');
  const options = { ...given, topK: topK ?? null, stop: flags.stop };
  const texts = prompts.flatMap((prompt) => Array.from({ length: samples }, () => prompt));
  if (texts.length > MAX_TEXTS) {
    throw new TokenmillError('USAGE', `${texts.length} texts at the same time are more than ${MAX_TEXTS}`);
  }
  const model = await openModelFolder(path, openWorkspace(flags), stderrLog);
  const tokenizer = await model.tokenizer();
  const longest = Math.max(...texts.map((text) => tokenizer.encode(text).length));
  const settings = {
    engine: await openEngine({ engine, device }, stderrLog),
    threads,
    context: contextFor(model, longest, options.maxTokens),
  };
  if (texts.length === 1 && flags.json !== true) {
    const program = await compileInference(model.config, await model.parameters(), settings);
    try {
      await write(prompts[0]);
      for await (const piece of generate(program, tokenizer, prompts[0], options)) await write(piece);
      await write('\n');
    } finally {
      await program.dispose();
    }
    return;
  }
  const program = await compileBatchInference(model.config, await model.parameters(), {
    ...settings,
    batch: texts.length,
  });
  try {
    await writeTexts(generateBatch(program, tokenizer, texts, options), texts, flags.json === true);
  } finally {
    await program.dispose();
  }
}

/** Writes each text when it and those before it are at their ends. */
async function writeTexts(
  pieces: AsyncIterable<BatchPiece>,
  prompts: readonly string[],
  json: boolean,
): Promise<void> {
  const texts = prompts.map((prompt, index) => ({ index, prompt, text: '', end: '' }));
  let next = 0;
  for await (const { index, text, end } of pieces) {
    texts[index].text += text;
    texts[index].end = end ?? '';
    for (; next < texts.length && texts[next].end !== ''; next++) {
      const whole = texts[next];
      const separator = next === 0 ? '' : '\n----\n';
      await write(json ? `${JSON.stringify(whole)}\n` : `${separator}${whole.prompt}${whole.text}\n`);
    }
  }
}

/** No more positions than the text can have: the cache and each step's work grow with them. */
function contextFor({ config }: ModelFolder, prompt: number, more: number): number {
  return Math.min(modelSize(config).positions, Math.max(1, prompt) + more);
}
