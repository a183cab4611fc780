/** Runs of a real, small model in this process: what they begin with, what they leave, and what they refuse. */
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trainOptionsSchema } from '../../src/trainer/options.js';
import { train, type TrainSummary } from '../../src/trainer/train.js';
import {
  SMALL_MODEL,
  outcome,
  smallWorkspace,
  textTokens,
  type SmallWorkspace,
} from '../support/trainer-process.js';
import { commitShards, queueStates } from '../support/training.js';

const SHARDS = [textTokens(1, 60), textTokens(2, 90), textTokens(3, 40)];

async function run(
  { workspace, model }: SmallWorkspace,
  options: Readonly<Record<string, unknown>> = {},
  log: string[] = [],
): Promise<TrainSummary> {
  const settings = {
    dataset: 'd',
    model,
    run: 'r',
    batch: 4,
    context: 16,
    threads: 1,
    steps: 12,
    ...options,
  };
  return train(trainOptionsSchema.parse(settings), { workspace, log: (message) => log.push(message) });
}

function checkpoints({ workspace }: SmallWorkspace): Promise<string[]> {
  return readdir(join(workspace.models, 'r', 'checkpoints'));
}

describe('a model that is too large for the machine', () => {
  it('is refused before anything is written', async () => {
    const made = await smallWorkspace(SHARDS);
    await expect(run(made, { model: 'gpt3-175b' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('gpt3-175b has 173,') as string,
    });
    await expect(readdir(made.workspace.models)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a run', () => {
  it('learns, and leaves a model, its state and its metrics', async () => {
    const made = await smallWorkspace(SHARDS);
    const summary = await run(made, { steps: 80, evalEvery: 20, learningRate: 0.01 });
    expect(summary).toMatchObject({ run: 'r', step: 80, tokens: 80 * 64 });
    const metrics = (await readFile(join(made.workspace.models, 'r', 'metrics.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>);
    expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: 80 }, (_, index) => index + 1));
    // Begins near ln 257 = 5.55, which is no knowledge at all.
    expect(Math.abs(metrics[0]['loss'] - Math.log(257))).toBeLessThan(0.1);
    expect(metrics[79]['loss']).toBeLessThan(3.3);
    expect(metrics[19]['validation_loss']).toBeGreaterThan(metrics[79]['validation_loss']);
    expect(metrics[79]['validation_loss']).toBe(summary.validation?.loss);
    expect(summary.sample.length).toBeGreaterThan(0);
    expect(summary.checkpoint).toBe(join(made.workspace.models, 'r', 'checkpoints', 'step-000080'));
    const config = JSON.parse(await readFile(join(summary.checkpoint, 'config.json'), 'utf8')) as unknown;
    expect(config).toMatchObject({
      ...SMALL_MODEL,
      architectures: ['LlamaForCausalLM'],
      dtype: 'float32',
      bos_token_id: 256,
      eos_token_id: 256,
    });
  });

  it('that is finished says so, and goes on when it is given more steps', async () => {
    const made = await smallWorkspace(SHARDS);
    const first = await run(made);
    const log: string[] = [];
    const again = await run(made, {}, log);
    expect(again).toEqual({ ...first, loss: null, validation: null });
    expect(log).toEqual([
      expect.stringContaining('engine onnx on cpu'),
      expect.stringContaining('run r is finished at step 12'),
    ]);
    await run(made, { steps: 20 }, log);
    expect(log).toContain('the schedule of run r ends at step 20 now, not 12');
    // Without --steps it keeps to that.
    expect(await run(made, { steps: undefined })).toMatchObject({ step: 20 });
  });

  it('needs no settings to be continued but its name', async () => {
    const made = await smallWorkspace(SHARDS);
    await run(made);
    const settings = trainOptionsSchema.parse({ run: 'r', steps: '16' });
    const summary = await train(settings, { workspace: made.workspace, log: () => undefined });
    expect(summary).toMatchObject({ run: 'r', step: 16, tokens: 16 * 64 });
  });

  it('is named after dataset and model, and shares nothing with another', async () => {
    const made = await smallWorkspace(SHARDS);
    expect((await run(made, { run: undefined, replay: true })).run).toBe('d-small');
    await run(made, { replay: true, seed: 2 });
    expect((await readdir(made.workspace.models)).sort()).toEqual(['d-small', 'r']);
    expect(await queueStates(made)).toEqual({
      'train-1-1': 'ready',
      'train-1-2': 'ready',
      'train-1-3': 'ready',
    });
    const weights = await Promise.all(
      ['d-small', 'r'].map((name) =>
        readFile(join(made.workspace.models, name, 'checkpoints', 'step-000012', 'model.safetensors')),
      ),
    );
    expect(weights[0].equals(weights[1])).toBe(false);
  });

  it('goes on from the checkpoint before a damaged one, to the same end', async () => {
    const whole = await smallWorkspace(SHARDS);
    await run(whole, { steps: 20, checkpointEvery: 5 });
    const damaged = await smallWorkspace(SHARDS);
    await run(damaged, { steps: 20, checkpointEvery: 5 });
    const latest = join(damaged.workspace.models, 'r', 'checkpoints', 'step-000020');
    await writeFile(join(latest, 'model.safetensors'), 'damaged');
    const log: string[] = [];
    await run(damaged, { steps: 20, checkpointEvery: 5 }, log);
    expect(log).toContainEqual(expect.stringMatching(/^checkpoint step-000020 is damaged/));
    expect(log).toContainEqual(expect.stringContaining('from step 15'));
    expect(await checkpoints(damaged)).toEqual([
      'damaged-step-000020',
      'step-000010',
      'step-000015',
      'step-000020',
    ]);
    expect(await outcome(damaged, 'r', 20)).toEqual(await outcome(whole, 'r', 20));
  });

  it('keeps as many checkpoints as it is told', async () => {
    const made = await smallWorkspace(SHARDS);
    await run(made, { checkpointEvery: 2, keep: 2 });
    expect(await checkpoints(made)).toEqual(['step-000010', 'step-000012']);
  });

  it('has the longest context that the model takes where 128 is too much', async () => {
    const made = await smallWorkspace(SHARDS);
    expect(await run(made, { context: undefined, batch: 1, steps: 2 })).toMatchObject({ tokens: 2 * 64 });
  });

  it('trains the same whatever is evaluated and saved on the way', async () => {
    const weights = async (options: Record<string, unknown>): Promise<Buffer> =>
      readFile(join((await run(await smallWorkspace(SHARDS), options)).checkpoint, 'model.safetensors'));
    const plain = await weights({ evalEvery: 1000, checkpointEvery: 1000 });
    expect((await weights({ evalEvery: 1, checkpointEvery: 3 })).equals(plain)).toBe(true);
    expect((await weights({ threads: 2 })).equals(plain)).toBe(true);
    expect((await weights({ seed: 2 })).equals(plain)).toBe(false);
  });

  it('whose end came between its last checkpoint and the queue still acknowledges its shards', async () => {
    const made = await smallWorkspace([textTokens(1, 40)]);
    await run(made, { steps: 20 });
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'done' });
    // As a kill between the two would have left it.
    const [done] = await readdir(join(made.paths.queue, 'done'));
    const leased = `train-1-1~0~${Date.now() + 60_000}~r.json`;
    await rename(join(made.paths.queue, 'done', done), join(made.paths.queue, 'leased', leased));
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'leased by r' });
    await run(made, { steps: 20 });
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'done' });
  });

  it('takes the first valid split that its dataset has, and keeps to it', async () => {
    const made = await smallWorkspace(SHARDS, []);
    expect((await run(made, { steps: 4 })).validation).toBeNull();
    await commitShards(made, 2, { train: [], valid: [textTokens(7, 20)] });
    const { validation } = await run(made, { steps: 8 });
    expect(validation?.tokens).toBe(textTokens(7, 20).length - 1);
    await commitShards(made, 3, { train: [], valid: [textTokens(8, 50)] });
    expect((await run(made, { steps: 12 })).validation?.tokens).toBe(validation?.tokens);
  });
});

describe('what is refused', () => {
  const cases: [string, Record<string, unknown>, Record<string, unknown>][] = [
    ['an unknown dataset', { dataset: 'x' }, { code: 'DATASET_NOT_FOUND' }],
    ['an unknown preset', { model: 'huge' }, { code: 'MODEL_INVALID' }],
    ['a configuration that is not there', { model: 'missing/config.json' }, { code: 'FILE_NOT_FOUND' }],
    ['a name that cannot be one', { run: '../r' }, { code: 'USAGE' }],
    ['a context longer than the model’s', { context: 65 }, { code: 'CONFIG_INVALID' }],
    ['a warm-up as long as the run', { warmup: 12 }, { code: 'CONFIG_INVALID' }],
    ['a minimum above the peak', { minLearningRate: 1 }, { code: 'CONFIG_INVALID' }],
  ];
  it.each(cases)('%s, and nothing is written', async (_name, options, error) => {
    const made = await smallWorkspace(SHARDS);
    await expect(run(made, options)).rejects.toMatchObject(error);
    await expect(readdir(made.workspace.models)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('a dataset that has no tokens yet', async () => {
    const made = await smallWorkspace(SHARDS);
    await made.workspace.createDataset('new', { version: 1 });
    await expect(run(made, { dataset: 'new' })).rejects.toMatchObject({
      code: 'DATA_EXHAUSTED',
      message: 'dataset new has no tokens yet',
    });
  });

  it('a model with fewer tokens than the tokenizer', async () => {
    const made = await smallWorkspace(SHARDS);
    await writeFile(made.model, JSON.stringify({ ...SMALL_MODEL, vocab_size: 256 }));
    await expect(run(made)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: 'the model has a vocabulary of 256, the tokenizer of the dataset one of 257',
    });
  });

  const changes: [string, Record<string, unknown>][] = [
    ['--batch 4, not 8', { batch: 8 }],
    ['--context 16, not 8', { context: 8 }],
    ['--learning-rate 0.006, not 0.01', { learningRate: 0.01 }],
    ['--warmup 1, not 3', { warmup: 3 }],
    ['--clip 1, not 0', { clip: 0 }],
    ['--seed 1, not 4', { seed: 4 }],
    ['--replay false, not true', { replay: true }],
  ];
  it('other settings than the run began with, each by its name', async () => {
    const made = await smallWorkspace(SHARDS);
    await run(made);
    for (const [message, options] of changes) {
      await expect(run(made, options)).rejects.toMatchObject({
        code: 'CONFIG_MISMATCH',
        message: `run r began with ${message}`,
      });
    }
    await writeFile(made.model, JSON.stringify({ ...SMALL_MODEL, intermediate_size: 96 }));
    await expect(run(made)).rejects.toMatchObject({
      code: 'CONFIG_MISMATCH',
      message: `--model ${made.model} is not the model that run r began with, small`,
    });
  });

  it('a second run on shards that the first has used up, unless it replays', async () => {
    const made = await smallWorkspace([textTokens(1, 40)]);
    await run(made, { steps: 20 });
    await expect(run(made, { run: 'second' })).rejects.toMatchObject({
      code: 'DATA_EXHAUSTED',
      message: 'there is nothing to train on: no shard of the queue is ready, they are 1 done',
    });
    expect(await run(made, { run: 'third', replay: true })).toMatchObject({ step: 12 });
  });

  it('a run of a tokenizer that was replaced', async () => {
    const made = await smallWorkspace(SHARDS);
    await run(made);
    const folder = join(made.workspace.tokenizers, 'bytes');
    for (const name of await readdir(folder)) {
      const text = await readFile(join(folder, name), 'utf8');
      await writeFile(join(folder, name), text.replaceAll('<|endoftext|>', '</s>'));
    }
    await expect(run(made, { steps: 20 })).rejects.toMatchObject({ code: 'TOKENIZER_MISMATCH' });
  });

  it('a run that another process trains', async () => {
    const made = await smallWorkspace(SHARDS);
    const controller = new AbortController();
    const settings = {
      dataset: 'd',
      model: made.model,
      run: 'r',
      batch: 4,
      context: 16,
      follow: true,
      steps: 1000,
    };
    const following = train(trainOptionsSchema.parse(settings), {
      workspace: made.workspace,
      log: () => undefined,
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step === 5) void attempt();
      },
    });
    let refused: unknown;
    const attempt = async (): Promise<void> => {
      refused = await run(made).catch((error: unknown) => error);
      controller.abort();
    };
    await expect(following).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(refused).toMatchObject({ code: 'RUN_LOCKED' });
    // It is free again, and its shards are, too.
    expect(Object.values(await queueStates(made)).filter((state) => state.startsWith('leased'))).toEqual([]);
  });
});
