/** The small models in tests/trainer/data, which bench/peers/make_reference.py made with transformers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toFloat32, toInt32 } from '../../src/trainer/elements.js';
import { parseModelConfig, type ModelConfig } from '../../src/trainer/models/registry.js';
import { freshMoments, type ModelState } from '../../src/trainer/programs/state.js';
import { readSafetensors } from '../../src/trainer/safetensors.js';

const DATA = join(import.meta.dirname, '..', 'trainer', 'data');

export const REFERENCE_MODELS = [
  'llama',
  'llama-variant',
  'gpt2',
  'gpt2-variant',
  'qwen2',
  'qwen3',
  'olmo2',
  'opt',
  'opt-post-norm',
  'gptj',
  'bloom',
  'mixtral',
  'deepseek_v3',
  'deepseek_v3-variant',
  'cohere',
  'xglm',
] as const;

export interface ReferenceModel {
  readonly config: ModelConfig;
  readonly parameters: Map<string, Float32Array>;
  readonly batch: number;
  readonly context: number;
  readonly ids: Int32Array;
  /** The labels of the next position; -100 at the last. */
  readonly targets: Int32Array;
  readonly logits: Float32Array;
  readonly loss: number;
  readonly gradients: Map<string, Float32Array>;
  /** Steps of torch.optim.AdamW on the batch from the same weights. */
  readonly training: {
    readonly learning_rate: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly weight_decay: number;
    readonly clip_norm: number;
    readonly losses: readonly number[];
    readonly norms: readonly number[];
    /** After the steps, by name. */
    readonly routing_biases?: Readonly<Record<string, readonly number[]>>;
  };
}

export async function loadReferenceModel(name: (typeof REFERENCE_MODELS)[number]): Promise<ReferenceModel> {
  const folder = join(DATA, name);
  const json = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const { tensors } = await readSafetensors(join(folder, 'model.safetensors'));
  const reference = (await readSafetensors(join(folder, 'reference.safetensors'))).tensors;
  const tensor = (key: string): Parameters<typeof toFloat32>[0] => {
    const found = reference.get(key);
    if (found === undefined) throw new Error(`${name} has no ${key}`);
    return found;
  };
  const [batch, context] = tensor('input_ids').shape;
  const labels = toInt32(tensor('labels'), 'labels');
  const gradients = [...reference].filter(([key]) => key.startsWith('grad.'));
  return {
    config: parseModelConfig(json('config.json')),
    parameters: new Map([...tensors].map(([key, value]) => [key, toFloat32(value, key)])),
    batch,
    context,
    ids: toInt32(tensor('input_ids'), 'input_ids'),
    targets: labels.map((_, i) => (i % context === context - 1 ? -100 : labels[i + 1])),
    logits: toFloat32(tensor('logits'), 'logits'),
    loss: toFloat32(tensor('loss'), 'loss')[0],
    gradients: new Map(gradients.map(([key, value]) => [key.slice('grad.'.length), toFloat32(value, key)])),
    training: json('training.json') as ReferenceModel['training'],
  };
}

/** Weights with moments of 0, in arrays of its own. */
export function freshState({ config, parameters }: ReferenceModel): ModelState {
  const copies = new Map([...parameters].map(([name, values]) => [name, values.slice()]));
  return { step: 0, parameters: copies, ...freshMoments(config) };
}
