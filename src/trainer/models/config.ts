/** Checks of model configurations that the families share. Configurations come from outside, so every extent has a cap. */
import { z } from 'zod';
import { TokenmillError } from '../../core/errors.js';

export const MAX_VOCABULARY = 1 << 20;
export const MAX_WIDTH = 1 << 17;
export const MAX_LAYERS = 1024;
export const MAX_POSITIONS = 1 << 24;
export const MAX_EXPERTS = 4096;

export function extent(maximum: number): z.ZodNumber {
  return z.number().int().min(1).max(maximum);
}

/** @throws TokenmillError MODEL_INVALID naming the field */
export function parseWith<Output>(schema: z.ZodType<Output>, config: unknown): Output {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue.path.join('.');
  throw new TokenmillError(
    'MODEL_INVALID',
    `model configuration${field === '' ? '' : `, ${field}`}: ${issue.message}`,
    {
      hint: 'a configuration is what config.json of a Hugging Face model folder has',
    },
  );
}

/** Fields that transformers wants to see with a point, which JSON.stringify leaves out of whole numbers. */
const FLOAT_FIELDS =
  /^( *"(?:logit_scale|routed_scaling_factor|router_aux_loss_coef|router_jitter_noise|factor|low_freq_factor|high_freq_factor|attention_factor)": \d+)(,?)$/gm;

/** Content of config.json. */
export function configText(config: unknown): string {
  return `${JSON.stringify(config, null, 2)}\n`.replaceAll(FLOAT_FIELDS, '$1.0$2');
}
