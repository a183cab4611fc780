import { describe, expect, it } from 'vitest';
import { parameterSpecs, parseModelConfig } from '../../../src/trainer/models/registry.js';
import { loadReferenceModel, REFERENCE_MODELS } from '../../support/reference-model.js';

const SMALL = {
  model_type: 'llama',
  vocab_size: 100,
  hidden_size: 16,
  intermediate_size: 40,
  num_hidden_layers: 1,
  num_attention_heads: 4,
};

describe('configuration', () => {
  it('fills in the defaults of transformers', () => {
    expect(parseModelConfig(SMALL)).toEqual({
      ...SMALL,
      architectures: ['LlamaForCausalLM'],
      num_key_value_heads: 4,
      head_dim: 4,
      max_position_embeddings: 2048,
      hidden_act: 'silu',
      rms_norm_eps: 1e-6,
      initializer_range: 0.02,
      tie_word_embeddings: false,
      attention_bias: false,
      mlp_bias: false,
      attention_dropout: 0,
      pretraining_tp: 1,
      rope_parameters: { rope_theta: 10000, rope_type: 'default' },
    });
  });

  it('reads the base of the rotation as transformers 4 writes it, and as 5 does', () => {
    const four = parseModelConfig({ ...SMALL, rope_theta: 500000, rope_scaling: null });
    const five = parseModelConfig({
      ...SMALL,
      rope_parameters: { rope_theta: 500000, rope_type: 'default' },
    });
    expect(four).toEqual(five);
    expect(four).toHaveProperty('rope_parameters', { rope_theta: 500000, rope_type: 'default' });
  });

  it('is the same when it is read again, and keeps fields that are not its own', () => {
    const config = parseModelConfig({ ...SMALL, bos_token_id: 1 });
    expect(parseModelConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    expect(config).toHaveProperty('bos_token_id', 1);
  });

  it.each([
    [{ ...SMALL, model_type: 'mamba' }, 'model_type: "mamba" is not supported'],
    [{ hidden_size: 4 }, 'model_type'],
    ['llama', 'model configuration: '],
    [{ ...SMALL, vocab_size: 0 }, 'vocab_size'],
    [{ ...SMALL, hidden_size: 1 << 18 }, 'hidden_size'],
    [{ ...SMALL, num_hidden_layers: 2.5 }, 'num_hidden_layers'],
    [{ ...SMALL, num_key_value_heads: 3 }, 'num_key_value_heads: must divide num_attention_heads'],
    [{ ...SMALL, hidden_size: 18 }, 'head_dim: must be an even number'],
    [{ ...SMALL, num_attention_heads: 16 }, 'head_dim: must be an even number'],
    [{ ...SMALL, hidden_act: 'gelu' }, 'hidden_act'],
    [{ ...SMALL, attention_dropout: 0.1 }, 'attention_dropout'],
    [{ ...SMALL, rope_scaling: { type: 'linear', factor: 0.5 } }, 'rope_parameters.factor'],
    [{ ...SMALL, rope_parameters: { rope_theta: 1e4, rope_type: 'llama3' } }, 'rope_parameters.factor'],
    [{ ...SMALL, rope_parameters: { rope_type: 'dynamic', factor: 2 } }, 'rope_parameters.rope_type'],
  ])('refuses %j', (config, message) => {
    expect(() => parseModelConfig(config)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('parameters', () => {
  it.each(REFERENCE_MODELS)('of %s are those of the checkpoint that transformers wrote', async (name) => {
    const { config, parameters } = await loadReferenceModel(name);
    const sizes = parameterSpecs(config).map((spec) => [spec.name, spec.shape.reduce((a, b) => a * b, 1)]);
    expect(Object.fromEntries(sizes)).toEqual(
      Object.fromEntries([...parameters].map(([key, values]) => [key, values.length])),
    );
  });

  it('are stored [out, in]; matrices decay, vectors do not', () => {
    const specs = new Map(
      parameterSpecs(parseModelConfig({ ...SMALL, num_key_value_heads: 2, attention_bias: true })).map(
        (spec) => [spec.name, spec],
      ),
    );
    const layer = 'model.layers.0';
    expect(specs.get(`${layer}.self_attn.k_proj.weight`)).toEqual({
      name: `${layer}.self_attn.k_proj.weight`,
      shape: [8, 16],
      init: { kind: 'normal', std: 0.02 },
      decay: true,
    });
    expect(specs.get(`${layer}.mlp.down_proj.weight`)).toMatchObject({
      shape: [16, 40],
      init: { kind: 'normal', std: 0.02 / Math.SQRT2 },
    });
    expect(specs.get(`${layer}.self_attn.k_proj.bias`)).toMatchObject({
      shape: [8],
      init: { kind: 'zeros' },
      decay: false,
    });
    expect(specs.get('model.norm.weight')).toMatchObject({
      shape: [16],
      init: { kind: 'ones' },
      decay: false,
    });
    expect(specs.get('lm_head.weight')).toMatchObject({ shape: [100, 16] });
  });

  it('have no output layer of their own where embeddings are tied', () => {
    const names = parameterSpecs(parseModelConfig({ ...SMALL, tie_word_embeddings: true })).map(
      ({ name }) => name,
    );
    expect(names[0]).toBe('model.embed_tokens.weight');
    expect(names).not.toContain('lm_head.weight');
  });
});
