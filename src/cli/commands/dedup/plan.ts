/** `tokenmill dedup plan`: the bands and rows that a setting means, and how likely pairs of each similarity are found. */
import { Command } from 'commander';
import { z } from 'zod';
import { dedupConfig, dedupSettings } from '../../../filters/dedup/settings.js';
import { collisionProbability, midpoint } from '../../../filters/minhash/parameters.js';
import { settingsOf, withSettings, write } from '../../context.js';

const { minhash, threshold, shingle } = dedupSettings;
const planSchema = z.object({ minhash, threshold, shingle });
const STEPS = 20;
const BAR_WIDTH = 40;

export function planCommand(): Command {
  const command = new Command('plan')
    .description(
      'Shows bands and rows of a setting and its S-curve: the chance that a pair of each similarity is found.',
    )
    .option('--json', 'print the parameters and the curve as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  tokenmill dedup plan --threshold 0.8\n  tokenmill dedup plan --minhash nemo',
    );
  return withSettings(command, planSchema).action(run);
}

async function run(flags: Record<string, unknown> & { json?: boolean }): Promise<void> {
  const parameters = dedupConfig(await settingsOf('dedup', planSchema, flags)).minhash;
  const curve = Array.from({ length: STEPS }, (_, step) => {
    const jaccard = (step + 1) / STEPS;
    return { jaccard, probability: collisionProbability(jaccard, parameters) };
  });
  if (flags.json === true) {
    await write(`${JSON.stringify({ ...parameters, midpoint: midpoint(parameters), curve })}\n`);
    return;
  }
  const { bands, rows, unit, shingle: size } = parameters;
  await write(
    `${bands} bands of ${rows} rows (${bands * rows} hashes) over ${size} ${unit}; steepest near J = ${midpoint(parameters).toFixed(3)}\n\n   J   found\n`,
  );
  for (const { jaccard, probability } of curve) {
    const bar = '#'.repeat(Math.round(probability * BAR_WIDTH));
    await write(
      `${jaccard.toFixed(2)}  ${(probability * 100).toFixed(2).padStart(6)}%  ${bar}`.trimEnd() + '\n',
    );
  }
}
