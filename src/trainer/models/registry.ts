/** The families by the `model_type` of their configuration. */
import { z } from 'zod';
import { TokenmillError } from '../../core/errors.js';
import { sizeOf } from '../graph/tensor.js';
import { bloom, type BloomConfig } from './bloom.js';
import { cohere, type CohereConfig } from './cohere.js';
import { parseWith } from './config.js';
import { deepseekV3, type DeepseekV3Config } from './deepseek-v3.js';
import type { CacheSpec, ModelFamily, ModelSize, ParameterSpec } from './family.js';
import { gpt2, type Gpt2Config } from './gpt2.js';
import { gptj, type GptjConfig } from './gptj.js';
import { llama, type LlamaConfig } from './llama.js';
import { mixtral, type MixtralConfig } from './mixtral.js';
import { olmo2, type Olmo2Config } from './olmo2.js';
import { opt, type OptConfig } from './opt.js';
import { qwen2, type Qwen2Config, qwen3, type Qwen3Config } from './qwen.js';
import { type Trace, trace } from './trace.js';
import { xglm, type XglmConfig } from './xglm.js';

/** Any configuration that Tokenmill can train, discriminated by `model_type`. */
export type ModelConfig =
  | BloomConfig
  | CohereConfig
  | DeepseekV3Config
  | Gpt2Config
  | GptjConfig
  | LlamaConfig
  | MixtralConfig
  | Olmo2Config
  | OptConfig
  | Qwen2Config
  | Qwen3Config
  | XglmConfig;

const FAMILIES = {
  bloom,
  cohere,
  deepseek_v3: deepseekV3,
  gpt2,
  gptj,
  llama,
  mixtral,
  olmo2,
  opt,
  qwen2,
  qwen3,
  xglm,
} as const satisfies Record<ModelConfig['model_type'], ModelFamily<ModelConfig>>;

export function familyOf(config: ModelConfig): ModelFamily<ModelConfig> {
  return FAMILIES[config.model_type];
}

const typed = z.looseObject({ model_type: z.string() });

/**
 * Validates the content of a config.json and fills in its defaults.
 * @throws TokenmillError MODEL_INVALID naming the field, or the model_type that is not known
 */
export function parseModelConfig(config: unknown): ModelConfig {
  const { model_type: type } = parseWith(typed, config);
  const family = Object.entries(FAMILIES).find(([name]) => name === type)?.[1];
  if (family !== undefined) return family.parse(config);
  throw new TokenmillError('MODEL_INVALID', `model configuration, model_type: "${type}" is not supported`, {
    hint: `supported: ${Object.keys(FAMILIES).join(', ')}`,
  });
}

export function modelSize(config: ModelConfig): ModelSize {
  return familyOf(config).size(config);
}

const traces = new WeakMap<ModelConfig, Trace>();

function traceOf(config: ModelConfig): Trace {
  const known = traces.get(config);
  if (known !== undefined) return known;
  const found = trace(familyOf(config), config);
  traces.set(config, found);
  return found;
}

/** In the order of a checkpoint: embedding, layers, norm, output. */
export function parameterSpecs(config: ModelConfig): readonly ParameterSpec[] {
  return traceOf(config).parameters;
}

/** Those that a gradient reaches. */
export function trainedSpecs(config: ModelConfig): ParameterSpec[] {
  return parameterSpecs(config).filter(({ trained }) => trained !== false);
}

export function cacheSpecs(config: ModelConfig): readonly CacheSpec[] {
  return traceOf(config).caches;
}

/** Numbers that a checkpoint holds, those of tied weights once. */
export function parameterCount(config: ModelConfig): number {
  return parameterSpecs(config).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
