/** Weights in one file and in several, as transformers writes them and as older checkpoints are. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseModelConfig, type ModelConfig } from '../../src/trainer/models/registry.js';
import { encodeSafetensors, readSafetensors, type Tensor } from '../../src/trainer/safetensors.js';
import { copyWeights, INDEX_FILE, MODEL_FILE, readWeights, weightFiles } from '../../src/trainer/weights.js';

const DATA = join(import.meta.dirname, 'data');
const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'tokenmill-weights-'));

async function configOf(name: string): Promise<ModelConfig> {
  return parseModelConfig(JSON.parse(await readFile(join(DATA, name, 'config.json'), 'utf8')));
}

async function renamed(name: string, change: (stored: string) => string | undefined): Promise<string> {
  const made = await folder();
  const { tensors } = await readSafetensors(join(DATA, name, MODEL_FILE));
  const kept = new Map<string, Tensor>();
  for (const [stored, tensor] of tensors) {
    const changed = change(stored);
    if (changed !== undefined) kept.set(changed, tensor);
  }
  await writeFile(join(made, MODEL_FILE), encodeSafetensors(kept));
  return made;
}

describe('weights in several files', () => {
  it('are what they are in one, with the names and the index of transformers', async () => {
    const config = await configOf('qwen3');
    const whole = await readWeights(join(DATA, 'qwen3'), config);
    const out = await folder();
    await copyWeights(join(DATA, 'qwen3'), out, 3000);
    const files = await weightFiles(out);
    const count = String(files.length).padStart(5, '0');
    expect(files.length).toBeGreaterThan(2);
    expect(files).toEqual(
      files.map((_, at) => `model-${String(at + 1).padStart(5, '0')}-of-${count}.safetensors`),
    );
    expect((await readdir(out)).sort()).toEqual([...files, INDEX_FILE].sort());
    for (const file of files) {
      const bytes = [...(await readSafetensors(join(out, file))).tensors.values()].map(
        (tensor) => tensor.bytes.length,
      );
      expect(bytes.length === 1 || bytes.reduce((sum, size) => sum + size, 0) <= 3000).toBe(true);
    }
    expect(await readWeights(out, config)).toEqual(whole);
    const index = JSON.parse(await readFile(join(out, INDEX_FILE), 'utf8')) as {
      metadata: { total_size: number };
      weight_map: Record<string, string>;
    };
    expect(Object.keys(index.weight_map).sort()).toEqual([...whole.keys()].sort());
    expect(index.metadata.total_size).toBe(
      [...whole.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
    );
    // Copied on as they are, or together in one file that holds all.
    const again = await folder();
    await copyWeights(out, again, 1e6);
    expect((await readdir(again)).sort()).toEqual([...files, INDEX_FILE].sort());
  });

  it.each([
    ['{}'],
    ['{"weight_map": {}}'],
    ['{"weight_map": {"a": "../model.safetensors"}}'],
    ['{"weight_map": {"a": "model.bin"}}'],
    ['[]'],
  ])('are refused with the index %s', async (text) => {
    const made = await folder();
    await writeFile(join(made, INDEX_FILE), text);
    await expect(weightFiles(made)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('must all be there', async () => {
    const made = await folder();
    await copyWeights(join(DATA, 'qwen3'), made, 3000);
    await rm(join(made, (await weightFiles(made))[1]));
    await expect(readWeights(made, await configOf('qwen3'))).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
  });
});

describe('names of tensors', () => {
  it.each([
    ['gpt2', 'transformer.'],
    ['bloom', 'transformer.'],
    ['opt', 'model.'],
    ['llama', 'model.'],
  ])('of %s may lack the prefix %s', async (name, prefix) => {
    const config = await configOf(name);
    const short = await renamed(name, (stored) =>
      stored.startsWith(prefix) ? stored.slice(prefix.length) : stored,
    );
    expect(await readWeights(short, config)).toEqual(await readWeights(join(DATA, name), config));
  });

  it('that the model has not are left out', async () => {
    const config = await configOf('gpt2');
    const made = await folder();
    await cp(join(DATA, 'gpt2'), made, { recursive: true });
    const { tensors } = await readSafetensors(join(made, MODEL_FILE));
    const head = tensors.get('transformer.wte.weight') as Tensor;
    const mask: Tensor = { dtype: 'BOOL', shape: [2], bytes: Uint8Array.of(1, 0) };
    const more = new Map([
      ...tensors,
      ['lm_head.weight', head],
      ['transformer.h.0.attn.bias', mask],
    ] as const);
    await writeFile(join(made, MODEL_FILE), encodeSafetensors(more));
    expect(await readWeights(made, config)).toEqual(await readWeights(join(DATA, 'gpt2'), config));
  });
});
