/** Whole runs in this process: a mixture that is interrupted, and what errors leave on disk. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/hash.js';
import { openCheckpoint } from '../../src/trainer/checkpoint.js';
import { trainOptionsSchema } from '../../src/trainer/options.js';
import { train, type TrainSummary } from '../../src/trainer/train.js';
import {
  SMALL_MODEL,
  outcome,
  smallWorkspace,
  textTokens,
  type SmallWorkspace,
} from '../support/trainer-process.js';
import { commitShards } from '../support/training.js';

const SHARDS = [textTokens(1, 60), textTokens(2, 90), textTokens(3, 40)];

async function run(
  { workspace, model }: SmallWorkspace,
  options: Readonly<Record<string, unknown>>,
  stopAt?: number,
): Promise<TrainSummary> {
  const settings = {
    model,
    run: 'r',
    batch: 2,
    context: 16,
    threads: 1,
    steps: 12,
    evalEvery: 100,
    ...options,
  };
  const controller = new AbortController();
  return train(trainOptionsSchema.parse(settings), {
    workspace,
    log: () => undefined,
    signal: controller.signal,
    onProgress: ({ step }) => step === stopAt && controller.abort(),
  });
}

/** Checkpoints of a run with the hashes of their files. */
async function saved({ workspace }: SmallWorkspace, name = 'r'): Promise<Record<string, string>> {
  const folder = join(workspace.models, name, 'checkpoints');
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const hashes = files
    .filter((file) => file.isFile())
    .map(async (file): Promise<[string, string]> => {
      const path = join(file.parentPath, file.name);
      return [path.slice(folder.length + 1), sha256(await readFile(path))];
    });
  return Object.fromEntries(await Promise.all(hashes));
}

describe('a run on a mixture of packed documents', () => {
  it('that was interrupted ends as one that was not, and takes its shares', async () => {
    const mixed = async (): Promise<SmallWorkspace> => {
      const made = await smallWorkspace(SHARDS);
      const paths = await made.workspace.createDataset('e', { version: 1 });
      await commitShards({ ...made, paths }, 1, { train: [textTokens(7, 200)], valid: [textTokens(8, 30)] });
      return made;
    };
    const options = { mixture: 'd=3,e=1', packing: 'best-fit', accumulate: 2, checkpointEvery: 5 };
    const [whole, stopped] = [await mixed(), await mixed()];
    const summary = await run(whole, options);
    expect(summary.validation?.tokens).toBeGreaterThan(0);
    await expect(run(stopped, options, 7)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await run(stopped, options);
    expect(await outcome(stopped, 'r', 12)).toEqual(await outcome(whole, 'r', 12));
    const { state } = await openCheckpoint(summary.checkpoint);
    // 12 steps of 2 x 2 sequences, three of four from the first.
    expect(state.data.map(({ dataset, sequences }) => [dataset, sequences])).toEqual([
      ['d', 36],
      ['e', 12],
    ]);
    await expect(run(whole, { ...options, mixture: 'd=1,e=1' })).rejects.toMatchObject({
      code: 'CONFIG_MISMATCH',
      message: 'run r began with --mixture d=3,e=1, not d=1,e=1',
    });
  });

  it('needs one tokenizer', async () => {
    const made = await smallWorkspace(SHARDS);
    const paths = await made.workspace.createDataset('e', { version: 1 });
    await commitShards({ ...made, paths }, 1, { train: [textTokens(7, 20)] }, 'f'.repeat(64));
    await expect(run(made, { mixture: 'd=1,e=1' })).rejects.toMatchObject({
      code: 'TOKENIZER_MISMATCH',
      message: 'datasets d and e have different tokenizers',
    });
    await expect(readdir(made.workspace.models)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('what is on disk stays as it was', () => {
  it.each(['stop', 'skip'])('where a run diverges and is to %s', async (onNonfinite) => {
    const made = await smallWorkspace(SHARDS);
    const options = { dataset: 'd', learningRate: 1e30, warmup: 0, checkpointEvery: 1, onNonfinite };
    const error = (await run(made, options).catch((failure: unknown) => failure)) as {
      code: string;
      message: string;
    };
    expect(error.code).toBe('TRAINING_DIVERGED');
    // Five in a row are skipped where that is asked for.
    const last = Number(/diverged at step (\d+)/.exec(error.message)?.[1]);
    expect(Object.keys(await saved(made)).filter((path) => path.endsWith('state.json'))).toHaveLength(
      onNonfinite === 'stop' ? last - 1 : 3,
    );
    const before = await saved(made);
    expect(await run(made, options).catch((failure: unknown) => failure)).toMatchObject({
      code: 'TRAINING_DIVERGED',
    });
    if (onNonfinite === 'stop') expect(await saved(made)).toEqual(before);
    for (const name of await readdir(join(made.workspace.models, 'r', 'checkpoints')))
      await openCheckpoint(join(made.workspace.models, 'r', 'checkpoints', name));
  });

  it('where a checkpoint is of another architecture', async () => {
    const made = await smallWorkspace(SHARDS);
    await run(made, { dataset: 'd', checkpointEvery: 6 });
    const wide = join(made.workspace.root, 'wide.json');
    await writeFile(wide, JSON.stringify({ ...SMALL_MODEL, hidden_size: 64 }));
    await run(made, {
      dataset: 'd',
      run: 'other',
      model: wide,
      steps: 20,
      checkpointEvery: 20,
      replay: true,
    });
    const folder = join(made.workspace.models, 'r', 'checkpoints');
    await cp(
      join(made.workspace.models, 'other', 'checkpoints', 'step-000020'),
      join(folder, 'step-000020'),
      {
        recursive: true,
      },
    );
    const before = await saved(made);
    await expect(run(made, { dataset: 'd', steps: 30 })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(
        /^the tensor model\.embed_tokens\.weight has \d+ values, the configuration wants \[257, 32\]$/,
      ) as string,
    });
    expect(await saved(made)).toEqual(before);
  });
});
