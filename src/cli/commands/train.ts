/** `tokenmill train`: trains a model on the shards of a dataset, or continues a run. */
import { Command } from 'commander';
import { formatCount } from '../../core/format.js';
import { stderrLog } from '../../core/log.js';
import { Progress } from '../../core/progress.js';
import { PRESET_NAMES } from '../../trainer/models/presets.js';
import { trainOptionsSchema } from '../../trainer/options.js';
import { train, type TrainSummary } from '../../trainer/train.js';
import {
  interruptSignal,
  openWorkspace,
  settingsOf,
  withSettings,
  withWorkspace,
  write,
} from '../context.js';
import { sparkline } from '../sparkline.js';

const HELP_WIDTH = 100;
/** Characters of the curve of losses beside the progress. */
const CURVE_WIDTH = 16;
/** Values that are kept for it. */
const MAX_CURVE = 512;

export function trainCommand(): Command {
  const command = new Command('train')
    .description('Trains a language model on the shards in the queue of a dataset, or continues a run.')
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      `
Examples:
  tokenmill train                                        preset "tiny" on dataset "default", a few minutes on a CPU
  tokenmill train --dataset crawl --run first --steps 1000
  tokenmill train --dataset crawl --model config.json --batch 4 --context 512
  tokenmill train --dataset crawl --model qwen3-tiny     another family; the presets are below
  tokenmill train --dataset crawl --from ./a-model       further training of a model that is there
  tokenmill train --dataset crawl --run second --replay  reads every shard again, whatever the queue says
  tokenmill train --mixture web=0.7,code=0.3 --packing best-fit --shuffle 2048 --accumulate 4 --schedule wsd
The same command again continues at the last checkpoint.

Presets (docs/models.md says what they are):
${presetList()}`,
    );
  return withWorkspace(withSettings(command, trainOptionsSchema)).action(run);
}

/** The names in lines of a terminal's width. */
function presetList(): string {
  const lines = [''];
  for (const name of PRESET_NAMES) {
    const line = `${lines.at(-1)}  ${name}`;
    if (line.length > HELP_WIDTH) lines.push(`  ${name}`);
    else lines[lines.length - 1] = line;
  }
  return lines.join('\n');
}

async function run(flags: Record<string, unknown> & { workspace?: string; json?: boolean }): Promise<void> {
  const options = await settingsOf('train', trainOptionsSchema, flags);
  const progress = new Progress({ label: 'train', format: (steps) => `${formatCount(steps)} steps` });
  const losses: number[] = [];
  const summary = await train(options, {
    workspace: openWorkspace(flags),
    log(message) {
      progress.clear();
      stderrLog(message);
    },
    onProgress({ step, steps, tokens, loss, tokensPerSecond, operationsPerSecond, utilisation }) {
      losses.push(loss);
      if (losses.length === MAX_CURVE) losses.splice(0, MAX_CURVE, ...pairMeans(losses));
      const share = utilisation === undefined ? '' : ` (${Math.round(100 * utilisation)}%)`;
      const speed = `${formatCount(Math.round(tokensPerSecond))} tokens/s, ${(operationsPerSecond / 1e9).toFixed(1)} GFLOP/s${share}`;
      const note = `loss ${loss.toFixed(3)} ${sparkline(losses, CURVE_WIDTH)} ${speed}`;
      const values = {
        loss,
        tokens,
        tokens_per_second: tokensPerSecond,
        operations_per_second: operationsPerSecond,
        ...(utilisation !== undefined && { utilisation }),
      };
      progress.update({ done: step, total: steps, note, values });
    },
    signal: interruptSignal('finishing the step; press Ctrl-C again to stop at once'),
  });
  progress.clear();
  await write(flags.json === true ? `${JSON.stringify(summary)}\n` : describeSummary(summary));
}

/** Half as many values: the mean of each two that follow each other. */
function pairMeans(values: readonly number[]): number[] {
  return Array.from({ length: values.length / 2 }, (_, at) => (values[2 * at] + values[2 * at + 1]) / 2);
}

function describeSummary({
  run: name,
  checkpoint,
  step,
  tokens,
  loss,
  validation,
  sample,
}: TrainSummary): string {
  const lines = [`run ${name}: ${formatCount(step)} steps, ${formatCount(tokens)} tokens`];
  if (loss !== null) lines.push(`  training loss    ${loss.toFixed(4)}`);
  if (validation !== null) {
    lines.push(
      `  validation loss  ${validation.loss.toFixed(4)} (perplexity ${validation.perplexity.toFixed(1)}, ${validation.bitsPerByte.toFixed(3)} bits per byte)`,
    );
  }
  lines.push(`  checkpoint       ${checkpoint}`, '', 'A sample of what it writes:', sample.trim(), '');
  return lines.join('\n');
}
