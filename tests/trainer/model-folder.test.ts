/** What is done with a model's folder: open, compare, evaluate, export. The reference was made with transformers. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Workspace } from '../../src/store/workspace.js';
import {
  compareWithReference,
  largestDifference,
  shiftLabels,
  type Comparison,
} from '../../src/trainer/compare.js';
import { float32Tensor, toFloat32 } from '../../src/trainer/elements.js';
import { evaluateRun } from '../../src/trainer/evaluate.js';
import { exportModel } from '../../src/trainer/export.js';
import { openModelFolder } from '../../src/trainer/model-folder.js';
import { trainOptionsSchema } from '../../src/trainer/options.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  type Tensor,
} from '../../src/trainer/safetensors.js';
import { train } from '../../src/trainer/train.js';
import { smallWorkspace, textTokens, type SmallWorkspace } from '../support/trainer-process.js';
import { trainingWorkspace } from '../support/training.js';

const LLAMA = fileURLToPath(new URL('data/llama', import.meta.url));
const REFERENCE = join(LLAMA, 'reference.safetensors');
const CPU = { engine: 'onnx', device: 'cpu', threads: 1 } as const;
const context = { workspace: new Workspace('/nonexistent'), log: (): void => undefined };

async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tokenmill-model-'));
}

/** The reference with some tensors changed, or left out where `change` gives undefined. */
async function changedReference(
  change: (name: string, tensor: Tensor) => Tensor | undefined,
): Promise<string> {
  const path = join(await temporaryFolder(), 'reference.safetensors');
  const { tensors } = await readSafetensors(REFERENCE);
  const changed = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    const result = change(name, tensor);
    if (result !== undefined) changed.set(name, result);
  }
  await writeFile(path, encodeSafetensors(changed));
  return path;
}

/** One entry of one tensor moved by `distance`. */
function moved(wanted: string, distance: (values: Float32Array) => number) {
  return (name: string, tensor: Tensor): Tensor => {
    if (name !== wanted) return tensor;
    const values = toFloat32(tensor, name).slice();
    values[0] += distance(values);
    return float32Tensor(values, tensor.shape);
  };
}

const beyond = ({ deviations }: Comparison): string[] =>
  deviations.filter(({ largest, allowed }) => !(largest <= allowed)).map(({ name }) => name);

describe('comparison with a reference', () => {
  it('has a deviation for logits, loss and the gradient of every tensor, all far within tolerance', async () => {
    const result = await compareWithReference(LLAMA, REFERENCE, CPU, context);
    const { tensors } = await readSafetensors(join(LLAMA, 'model.safetensors'));
    expect(result.deviations.map(({ name }) => name).sort()).toEqual(
      ['logits', 'loss', ...[...tensors.keys()].map((name) => `grad.${name}`)].sort(),
    );
    expect(result.within).toBe(true);
    expect(result.deviations.every(({ largest, allowed }) => largest < allowed / 5)).toBe(true);
    expect(result.deviations[0].allowed).toBe(1e-4);
  });

  it('sees one logit, the loss, or one entry of a gradient that is off by twice the tolerance', async () => {
    for (const name of ['logits', 'loss']) {
      const off = await changedReference(moved(name, () => 2e-4));
      const result = await compareWithReference(LLAMA, off, CPU, context);
      expect([beyond(result), result.within]).toEqual([[name], false]);
      const near = await changedReference(moved(name, () => 0.5e-4));
      expect((await compareWithReference(LLAMA, near, CPU, context)).within).toBe(true);
    }
    const gradient = 'grad.model.layers.0.mlp.up_proj.weight';
    const largest = (values: Float32Array): number =>
      values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const off = await changedReference(moved(gradient, (values) => 2e-4 * largest(values)));
    expect(beyond(await compareWithReference(LLAMA, off, CPU, context))).toEqual([gradient]);
  });

  it('does not let a NaN pass', async () => {
    const off = await changedReference(moved('logits', () => Number.NaN));
    const result = await compareWithReference(LLAMA, off, CPU, context);
    expect(result.deviations[0]).toMatchObject({ name: 'logits', largest: Number.POSITIVE_INFINITY });
    expect(result.within).toBe(false);
  });

  it('says what the reference lacks or has in another shape', async () => {
    const norm = 'grad.model.norm.weight';
    const cases: [string, (name: string, tensor: Tensor) => Tensor | undefined][] = [
      ['has no tensor labels', (name, tensor) => (name === 'labels' ? undefined : tensor)],
      [`has no tensor ${norm}`, (name, tensor) => (name === norm ? undefined : tensor)],
      [
        `has ${norm} of shape [1]`,
        (name, tensor) => (name === norm ? float32Tensor(Float32Array.of(1), [1]) : tensor),
      ],
      [
        'has input_ids of shape [1]',
        (name, tensor) =>
          name === 'input_ids' ? { ...tensor, shape: [1], bytes: tensor.bytes.slice(0, 8) } : tensor,
      ],
    ];
    for (const [message, change] of cases) {
      await expect(
        compareWithReference(LLAMA, await changedReference(change), CPU, context),
      ).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining(message) as string,
      });
    }
  });

  it('shifts labels within each sequence', () => {
    expect([...shiftLabels(Int32Array.of(1, 2, 3, 4, -100, 6), 3)]).toEqual([2, 3, -100, -100, 6, -100]);
    expect(largestDifference(Float32Array.of(1, 5), Float32Array.of(1.5, 3))).toBe(2);
  });
});

async function trained(): Promise<SmallWorkspace> {
  const made = await smallWorkspace([textTokens(1, 100)], [textTokens(5, 30), textTokens(6, 30)]);
  const settings = {
    dataset: 'd',
    model: made.model,
    run: 'r',
    batch: 4,
    context: 16,
    steps: 10,
    threads: 1,
  };
  await train(trainOptionsSchema.parse(settings), { workspace: made.workspace, log: () => undefined });
  return made;
}

describe('a run’s model', () => {
  it('is evaluated as training evaluated it, whatever the batch', async () => {
    const made = await trained();
    const { workspace } = made;
    const metrics = await readFile(join(workspace.models, 'r', 'metrics.jsonl'), 'utf8');
    const last = JSON.parse(metrics.trimEnd().split('\n').at(-1) as string) as Record<string, number>;
    const where = { workspace, log: (): void => undefined };
    const evaluation = await evaluateRun('r', { ...CPU, batch: 4 }, where);
    expect(evaluation.loss).toBe(last['validation_loss']);
    expect(evaluation.bitsPerByte).toBe(last['bits_per_byte']);
    expect(evaluation.perplexity).toBeCloseTo(Math.exp(evaluation.loss), 12);
    const targets = textTokens(5, 30).length + textTokens(6, 30).length - 1;
    // Both documents end in an end-of-text, which is a target and no bytes.
    expect(evaluation).toMatchObject({ tokens: targets, bytes: targets - 2 });
    const folder = join(workspace.models, 'r', 'checkpoints', 'step-000010');
    const shown: number[] = [];
    const other = await evaluateRun(
      folder,
      { ...CPU, batch: 3 },
      { ...where, onProgress: (done) => shown.push(done) },
    );
    expect(other.loss).toBeCloseTo(evaluation.loss, 6);
    expect(shown).toEqual(Array.from({ length: Math.ceil(targets / 48) }, (_, index) => index * 48));
  });

  it('is not evaluated without data, on data of another tokenizer, or when it is interrupted', async () => {
    const made = await trained();
    const where = { workspace: made.workspace, log: (): void => undefined };
    await expect(evaluateRun('r', { ...CPU, batch: 4, dataset: 'x' }, where)).rejects.toMatchObject({
      code: 'DATASET_NOT_FOUND',
    });
    await expect(
      evaluateRun('r', { ...CPU, batch: 4 }, { ...where, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const none = await trainingWorkspace([textTokens(1, 50)]);
    const other = await trainingWorkspace([textTokens(1, 50)], [textTokens(2, 50)], 'e'.repeat(64));
    const out = join(await temporaryFolder(), 'out');
    await exportModel('r', out, where);
    for (const [{ workspace }, code] of [
      [none, 'DATA_EXHAUSTED'],
      [other, 'TOKENIZER_MISMATCH'],
    ] as const) {
      await expect(
        evaluateRun(out, { ...CPU, batch: 4, dataset: 'd' }, { ...where, workspace }),
      ).rejects.toMatchObject({ code });
    }
  });

  it('is exported as a folder that stands alone', async () => {
    const made = await trained();
    const where = { workspace: made.workspace, log: (): void => undefined };
    const out = join(await temporaryFolder(), 'deep', 'out');
    await exportModel('r', out, where);
    expect((await readdir(out)).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'merges.txt',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.json',
    ]);
    expect(await readdir(join(out, '..'))).toEqual(['out']);
    const checkpoint = join(made.workspace.models, 'r', 'checkpoints', 'step-000010');
    for (const name of ['model.safetensors', 'config.json']) {
      expect((await readFile(join(out, name))).equals(await readFile(join(checkpoint, name)))).toBe(true);
    }
    expect(JSON.parse(await readFile(join(out, 'generation_config.json'), 'utf8'))).toEqual({
      bos_token_id: 256,
      eos_token_id: 256,
    });
    const model = await openModelFolder(out, context.workspace, context.log);
    expect((await model.tokenizer()).sha256).toBe(made.tokenizer.sha256);
    expect(model.training).toBeUndefined();
    await expect(exportModel('r', out, where)).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    const empty = join(await temporaryFolder(), 'empty');
    await mkdir(empty);
    await exportModel(out, empty, where);
    expect(await readdir(empty)).toHaveLength(8);
  });
});

describe('what is no model', () => {
  it('is said in each case', async () => {
    await expect(openModelFolder('nothing', context.workspace, context.log)).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      message: 'nothing is neither a folder with a model nor the name of a run',
    });
    const folder = join(await temporaryFolder(), 'model');
    await cp(LLAMA, folder, { recursive: true });
    const model = await openModelFolder(folder, context.workspace, context.log);
    await expect(model.tokenizer()).rejects.toMatchObject({ code: 'TOKENIZER_NOT_FOUND' });
    await writeFile(join(folder, 'config.json'), '{"model_type": "mamba"}');
    await expect(openModelFolder(folder, context.workspace, context.log)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
    await rm(join(folder, 'config.json'));
    await expect(openModelFolder(folder, context.workspace, context.log)).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
  });

  it('is a run without a checkpoint, and a checkpoint that is damaged', async () => {
    const made = await trained();
    const folder = join(made.workspace.models, 'r', 'checkpoints', 'step-000010');
    const path = join(folder, 'model.safetensors');
    const bytes = await readFile(path);
    bytes[bytes.length - 3] ^= 4;
    expect(decodeSafetensors(bytes, path).tensors.size).toBeGreaterThan(0);
    await writeFile(path, bytes);
    await expect(openModelFolder(folder, made.workspace, context.log)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
    await rm(folder, { recursive: true });
    await expect(openModelFolder('r', made.workspace, context.log)).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      message: 'run r has no checkpoint yet',
    });
  });
});
