/** Further training of a model that is there: `train --from`. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveTokenizer } from '../../src/tokenizer/save.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { exportModel } from '../../src/trainer/export.js';
import { trainOptionsSchema } from '../../src/trainer/options.js';
import { train, type TrainSummary } from '../../src/trainer/train.js';
import { smallWorkspace, textTokens, type SmallWorkspace } from '../support/trainer-process.js';

const SHARDS = [textTokens(1, 200), textTokens(2, 200)];
const log = (): void => undefined;

function run({ workspace }: SmallWorkspace, options: Record<string, unknown>): Promise<TrainSummary> {
  const settings = { dataset: 'd', batch: 4, context: 16, threads: 1, steps: 30, replay: true, ...options };
  return train(trainOptionsSchema.parse(settings), { workspace, log });
}

/** A workspace with the run `first`, and the folder that it was exported to. */
async function exported(): Promise<{ made: SmallWorkspace; out: string; first: TrainSummary }> {
  const made = await smallWorkspace(SHARDS);
  const first = await run(made, { run: 'first', model: made.model, learningRate: 0.01 });
  const out = join(await mkdtemp(join(tmpdir(), 'tokenmill-import-')), 'out');
  await exportModel('first', out, { workspace: made.workspace, log });
  return { made, out, first };
}

async function losses({ workspace }: SmallWorkspace, name: string): Promise<number[]> {
  const text = await readFile(join(workspace.models, name, 'metrics.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { loss: number }).loss);
}

describe('a model that is there', () => {
  it('is trained further from its weights, a folder as well as a run', async () => {
    const { made, out, first } = await exported();
    for (const [name, from] of [
      ['second', out],
      ['third', 'first'],
    ]) {
      await run(made, { run: name, from, steps: 3, warmup: 0, learningRate: 1e-4 });
      const [begin] = await losses(made, name);
      expect(begin).toBeLessThan((first.loss as number) + 0.4);
    }
    expect(await losses(made, 'second')).toEqual(await losses(made, 'third'));
    const [random] = await losses(made, 'first');
    expect(random).toBeGreaterThan(5);
  });

  it('is begun with again where the first checkpoint was never written, and needs no folder then', async () => {
    const { made, out } = await exported();
    const options = { run: 'second', from: out, steps: 3, warmup: 0, learningRate: 1e-4 };
    await run(made, options);
    const before = await losses(made, 'second');
    const folder = join(made.workspace.models, 'second');
    for (const name of await readdir(join(folder, 'checkpoints'))) {
      await rm(join(folder, 'checkpoints', name), { recursive: true });
    }
    await rm(join(folder, 'metrics.jsonl'));
    await rm(out, { recursive: true });
    await run(made, options);
    expect(await losses(made, 'second')).toEqual(before);
  });

  it('has the tokenizer of the dataset, and its own configuration', async () => {
    const { made, out } = await exported();
    await expect(run(made, { run: 'x', from: out, model: 'tiny' })).rejects.toMatchObject({
      code: 'USAGE',
    });
    await expect(run(made, { run: 'first', from: out })).rejects.toMatchObject({ code: 'CONFIG_MISMATCH' });
    const { tokenizer } = made;
    const { vocabulary, ...others } = tokenizer.model;
    await saveTokenizer(new Tokenizer({ ...others, vocabulary, pattern: 'cl100k' }).model, out);
    await expect(run(made, { run: 'y', from: out })).rejects.toMatchObject({ code: 'TOKENIZER_MISMATCH' });
    expect(await readdir(made.workspace.models)).toEqual(['first']);
  });
});
