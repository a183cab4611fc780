import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/hash.js';
import {
  latestCheckpoint,
  openCheckpoint,
  pruneCheckpoints,
  readModelState,
  setAsideAfter,
  writeCheckpoint,
  type Checkpoint,
  type TrainingState,
} from '../../src/trainer/checkpoint.js';
import type { ModelState } from '../../src/trainer/programs/state.js';
import { readSafetensors } from '../../src/trainer/safetensors.js';

const SHAPES = new Map([
  ['model.norm.weight', [2]],
  ['model.embed.weight', [2, 3]],
]);

function model(seed: number): ModelState {
  const arrays = (offset: number): Map<string, Float32Array> =>
    new Map([
      ['model.norm.weight', Float32Array.of(seed, offset)],
      ['model.embed.weight', Float32Array.from({ length: 6 }, (_, index) => seed + offset + index / 8)],
    ]);
  return { step: seed - 1, parameters: arrays(0), first: arrays(100), second: arrays(200) };
}

function state(step: number): TrainingState {
  return {
    version: 2,
    step,
    optimizer_step: step - 1,
    skipped: 1,
    loss_scale: { scale: 65_536, good_steps: 3 },
    tokens: step * 64,
    validation_loss: null,
    batch: 4,
    context: 16,
    dataset: 'd',
    tokenizer: { name: 'bytes', sha256: 'a'.repeat(64) },
    data: [
      {
        dataset: 'd',
        sequences: 4,
        segments: [
          {
            name: 's',
            shard: 'shards/s.arrow',
            sha256: 'b',
            tokens: 99,
            epoch: 1,
            start: 0,
            end: 99,
            consumed: 64,
          },
        ],
        block: { number: 4, used: 0, tokens: 0 },
      },
    ],
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: null },
  };
}

const CONFIG = { model_type: 'llama', hidden_size: 3 };

async function folderWith(...steps: number[]): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'tokenmill-checkpoint-')), 'checkpoints');
  await mkdir(folder);
  for (const step of steps) await writeCheckpoint(folder, CONFIG, model(step), SHAPES, state(step));
  return folder;
}

async function latest(folder: string): Promise<{ checkpoint: Checkpoint | undefined; log: string[] }> {
  const log: string[] = [];
  return { checkpoint: await latestCheckpoint(folder, (message) => log.push(message)), log };
}

describe('a checkpoint', () => {
  it('gives weights, moments and state back, bit for bit', async () => {
    const folder = await folderWith(200);
    const { checkpoint } = await latest(folder);
    expect(checkpoint).toEqual({ folder: join(folder, 'step-000200'), state: state(200) });
    expect(await readModelState(checkpoint as Checkpoint)).toEqual(model(200));
  });

  it('has the files and names that other programs look for', async () => {
    const folder = join(await folderWith(7), 'step-000007');
    expect((await readdir(folder)).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'optimizer.safetensors',
      'state.json',
    ]);
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toEqual(CONFIG);
    const { metadata, tensors } = await readSafetensors(join(folder, 'model.safetensors'));
    expect(metadata).toEqual({ format: 'pt' });
    expect([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ['model.embed.weight', 'F32', [2, 3]],
      ['model.norm.weight', 'F32', [2]],
    ]);
    const optimizer = await readSafetensors(join(folder, 'optimizer.safetensors'));
    expect([...optimizer.tensors.keys()]).toEqual([
      'first.model.embed.weight',
      'first.model.norm.weight',
      'second.model.embed.weight',
      'second.model.norm.weight',
    ]);
    const { files } = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as {
      files: Record<string, string>;
    };
    expect(files['model.safetensors']).toBe(sha256(await readFile(join(folder, 'model.safetensors'))));
  });

  it('replaces one of the same step', async () => {
    const folder = await folderWith(5);
    await writeCheckpoint(folder, CONFIG, model(6), SHAPES, state(5));
    expect(await readdir(folder)).toEqual(['step-000005']);
    const { checkpoint } = await latest(folder);
    expect((await readModelState(checkpoint as Checkpoint)).parameters).toEqual(model(6).parameters);
  });

  it('is not there at all when writing it failed', async () => {
    const folder = await folderWith(5);
    const shapes = new Map(SHAPES).set('model.norm.weight', [3]);
    await expect(writeCheckpoint(folder, CONFIG, model(9), shapes, state(9))).rejects.toMatchObject({
      code: 'INTERNAL',
    });
    expect(await readdir(folder)).toEqual(['step-000005']);
  });
});

describe('the latest checkpoint', () => {
  it('is the one of the highest number, also beyond six digits', async () => {
    const folder = await folderWith(20, 1_000_000, 999_999);
    expect((await latest(folder)).checkpoint?.state.step).toBe(1_000_000);
  });

  it('is none in an empty or absent folder', async () => {
    expect((await latest(await folderWith())).checkpoint).toBeUndefined();
    expect((await latest('/nonexistent/checkpoints')).checkpoint).toBeUndefined();
  });

  const damage: [string, (folder: string) => Promise<void>, string][] = [
    [
      'a bit of the weights',
      async (folder) => {
        const path = join(folder, 'model.safetensors');
        const bytes = await readFile(path);
        bytes[bytes.length - 1] ^= 1;
        await writeFile(path, bytes);
      },
      'model.safetensors is not the file that was written',
    ],
    [
      'the end of the moments',
      async (folder) => {
        const path = join(folder, 'optimizer.safetensors');
        await writeFile(path, (await readFile(path)).subarray(0, -8));
      },
      'optimizer.safetensors is not the file that was written',
    ],
    [
      'the configuration',
      async (folder) => writeFile(join(folder, 'config.json'), '{}'),
      'config.json is not the file that was written',
    ],
    ['a missing file', async (folder) => rm(join(folder, 'model.safetensors')), 'does not exist'],
    ['a missing state', async (folder) => rm(join(folder, 'state.json')), 'does not exist'],
    [
      'half a state',
      async (folder) => {
        const path = join(folder, 'state.json');
        await writeFile(path, (await readFile(path)).subarray(0, 50));
      },
      'not valid JSON',
    ],
    [
      'a state of another version',
      async (folder) =>
        writeFile(join(folder, 'state.json'), JSON.stringify({ ...state(200), version: 1, files: {} })),
      'state.json: version',
    ],
  ];
  it.each(damage)('is the one before where %s is damaged, and says so', async (_name, harm, reason) => {
    const folder = await folderWith(100, 200);
    await harm(join(folder, 'step-000200'));
    const { checkpoint, log } = await latest(folder);
    expect(checkpoint?.state.step).toBe(100);
    expect(log).toEqual([expect.stringMatching(/^checkpoint step-000200 is damaged and is not used/)]);
    expect(log[0]).toContain(reason);
    await expect(openCheckpoint(join(folder, 'step-000200'))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
  });

  it('is an error where all are damaged: nothing is silently begun anew', async () => {
    const folder = await folderWith(100, 200);
    for (const step of ['step-000100', 'step-000200']) await rm(join(folder, step, 'config.json'));
    await expect(latest(folder)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});

describe('old checkpoints', () => {
  it('are removed but for the latest ones', async () => {
    const folder = await folderWith(1, 2, 3, 4, 5);
    await pruneCheckpoints(folder, 3);
    expect((await readdir(folder)).sort()).toEqual(['step-000003', 'step-000004', 'step-000005']);
    await pruneCheckpoints(folder, 3);
    expect(await readdir(folder)).toHaveLength(3);
  });

  it('keep the one of the lowest validation loss where that is asked for', async () => {
    const losses: readonly (number | null)[] = [3, 2, null, 2, 2.5, 4];
    const folder = join(await mkdtemp(join(tmpdir(), 'tokenmill-checkpoint-')), 'checkpoints');
    for (const [at, loss] of losses.entries()) {
      await writeCheckpoint(folder, CONFIG, model(1), SHAPES, { ...state(at + 1), validation_loss: loss });
      await pruneCheckpoints(folder, 1, true);
    }
    // The first of two that are equal.
    expect((await readdir(folder)).sort()).toEqual(['step-000002', 'step-000006']);
  });

  it('that are damaged are set aside, so that they do not count as the latest', async () => {
    const folder = await folderWith(100, 200, 300);
    await mkdir(join(folder, '.tmp-unfinished'));
    await writeFile(join(folder, '.tmp-unfinished', 'model.safetensors'), 'half');
    await setAsideAfter(folder, 100);
    expect((await readdir(folder)).sort()).toEqual([
      'damaged-step-000200',
      'damaged-step-000300',
      'step-000100',
    ]);
    expect((await latest(folder)).checkpoint?.state.step).toBe(100);
    // Once more, with an old one aside already.
    await writeCheckpoint(folder, CONFIG, model(200), SHAPES, state(200));
    await setAsideAfter(folder, 100);
    expect((await readdir(folder)).sort()).toEqual([
      'damaged-step-000200',
      'damaged-step-000300',
      'step-000100',
    ]);
  });
});
