/** `tokenmill eval`: loss of a model on the valid split, or its deviation from another implementation's reference. */
import { Command } from 'commander';
import { z } from 'zod';
import { integer } from '../../core/config.js';
import { TokenmillError } from '../../core/errors.js';
import { formatCount } from '../../core/format.js';
import { stderrLog } from '../../core/log.js';
import { Progress } from '../../core/progress.js';
import { compareWithReference, type Comparison } from '../../trainer/compare.js';
import { evaluateRun } from '../../trainer/evaluate.js';
import { trainOptionsSchema } from '../../trainer/options.js';
import {
  interruptSignal,
  openWorkspace,
  settingsOf,
  withSettings,
  withWorkspace,
  write,
} from '../context.js';

const evalOptionsSchema = trainOptionsSchema.pick({ engine: true, device: true, threads: true }).extend({
  dataset: z.string().optional().describe('dataset to evaluate on (default: the one of the run)'),
  batch: integer(1, 4096).default(8).describe('sequences in a batch'),
  context: integer(1)
    .optional()
    .describe("tokens of a sequence (default: the model's context, at most 1024)"),
});

export function evalCommand(): Command {
  const command = new Command('eval')
    .description('Prints loss, perplexity and bits per byte of a model on the valid split of a dataset.')
    .argument('<model>', 'a run of the workspace, or a folder with config.json and model.safetensors')
    .option(
      '--against <file>',
      'instead, compare logits, loss and gradients with a reference.safetensors; exit 1 beyond tolerance',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  tokenmill eval default-tiny\n  tokenmill eval workspace/models/first --dataset other\n  tokenmill eval model/ --against model/reference.safetensors',
    );
  return withWorkspace(withSettings(command, evalOptionsSchema)).action(run);
}

type Flags = Record<string, unknown> & { workspace?: string; against?: string; json?: boolean };

async function run(model: string, flags: Flags): Promise<void> {
  const options = await settingsOf('eval', evalOptionsSchema, flags);
  const workspace = openWorkspace(flags);
  if (flags.against !== undefined) {
    const comparison = await compareWithReference(model, flags.against, options, {
      workspace,
      log: stderrLog,
    });
    await write(flags.json === true ? `${JSON.stringify(comparison)}\n` : describeComparison(comparison));
    if (!comparison.within) {
      throw new TokenmillError(
        'TOLERANCE_EXCEEDED',
        `${model} deviates from ${flags.against} beyond tolerance`,
      );
    }
    return;
  }
  const progress = new Progress({ label: 'eval', format: (tokens) => `${formatCount(tokens)} tokens` });
  const { loss, perplexity, bitsPerByte, tokens, bytes } = await evaluateRun(model, options, {
    workspace,
    log: stderrLog,
    onProgress: (done, total) => progress.update({ done, total }),
    signal: interruptSignal('stopping'),
  });
  progress.clear();
  await write(
    flags.json === true
      ? `${JSON.stringify({ loss, perplexity, bits_per_byte: bitsPerByte, tokens, bytes })}\n`
      : `loss           ${loss.toFixed(4)}\nperplexity     ${perplexity.toFixed(2)}\nbits per byte  ${bitsPerByte.toFixed(4)}\non             ${formatCount(tokens)} tokens, ${formatCount(bytes)} bytes\n`,
  );
}

function describeComparison({ deviations, within }: Comparison): string {
  const width = Math.max(...deviations.map(({ name }) => name.length));
  const rows = deviations.map(
    ({ name, largest, allowed }) =>
      `${name.padEnd(width)}  ${largest.toExponential(2)}  ${largest <= allowed ? '<=' : '> '} ${allowed.toExponential(2)}`,
  );
  return `${rows.join('\n')}\n${within ? 'within tolerance' : 'beyond tolerance'}\n`;
}
