/** The families by the `model_type` of their configuration, and the presets by name. */
import { z } from 'zod';
import { TokenmillError } from '../../core/errors.js';
import { sizeOf } from '../graph/tensor.js';
import { parseWith } from './config.js';
import type { ModelFamily, ParameterSpec } from './family.js';
import { llama, type LlamaConfig } from './llama.js';

/** Any configuration that Tokenmill can train, discriminated by `model_type`. */
export type ModelConfig = LlamaConfig;

const FAMILIES = { llama } as const satisfies Record<ModelConfig['model_type'], ModelFamily<ModelConfig>>;

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

export function parameterSpecs(config: ModelConfig): ParameterSpec[] {
  return familyOf(config).parameterSpecs(config);
}

export function parameterCount(config: ModelConfig): number {
  return parameterSpecs(config).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
