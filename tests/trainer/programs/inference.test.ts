import { describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { parseModelConfig } from '../../../src/trainer/models/registry.js';
import { compileInference } from '../../../src/trainer/programs/inference.js';
import { compileReference } from '../../../src/trainer/programs/reference.js';
import { initialState } from '../../../src/trainer/programs/state.js';
import { deviation } from '../../support/gradient-check.js';
import { loadReferenceModel, REFERENCE_MODELS } from '../../support/reference-model.js';

/** Longer than two chunks of a prompt. */
const LENGTH = 150;
const CONFIG = parseModelConfig({
  model_type: 'llama',
  vocab_size: 60,
  hidden_size: 32,
  intermediate_size: 80,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: LENGTH,
  initializer_range: 0.3,
});
const IDS = Int32Array.from({ length: LENGTH }, (_, i) => (i * i * 7 + 3) % 60);

describe.each(REFERENCE_MODELS)('inference with %s', (name) => {
  it('has the logits of transformers, token by token', async () => {
    const { config, parameters, ids, logits, context } = await loadReferenceModel(name);
    const program = await compileInference(config, parameters, { engine: onnxEngine });
    const vocabulary = config.vocab_size;
    for (let position = 0; position < context; position++) {
      const expected = logits.subarray(position * vocabulary, (position + 1) * vocabulary);
      expect(deviation(await program.next(ids[position]), expected)).toBeLessThan(5e-6);
    }
    await program.dispose();
  });
});

describe('a sequence', () => {
  it('has the logits of a forward pass over all of it, however it is cut', async () => {
    const { parameters } = initialState(CONFIG, 2);
    const reference = await compileReference(CONFIG, parameters, {
      batch: 1,
      context: LENGTH,
      engine: onnxEngine,
    });
    const { logits } = await reference.run(IDS, IDS);
    await reference.dispose();
    const program = await compileInference(CONFIG, parameters, { engine: onnxEngine });
    // 63 to 65 and 128: around a whole number of chunks; behind a padded chunk follow single tokens and another chunk.
    for (const cuts of [[1, 2, 3], [5, 6, 7, 80], [63, 64, 65], [64, 128, 129], [65, 149], [150]]) {
      program.reset();
      let start = 0;
      for (const end of cuts) {
        const actual = await program.prefill(IDS.subarray(start, end));
        expect(deviation(actual, logits.subarray((end - 1) * 60, end * 60))).toBeLessThan(1e-5);
        start = end;
      }
    }
    await program.dispose();
  });

  it('ends with the context', async () => {
    const { parameters } = initialState(CONFIG, 2);
    const program = await compileInference(CONFIG, parameters, { engine: onnxEngine, context: 10 });
    expect(program.context).toBe(10);
    await program.prefill(IDS.subarray(0, 9));
    await program.next(1);
    await expect(program.next(1)).rejects.toThrow(
      expect.objectContaining({
        code: 'MODEL_INVALID',
        message: '10 + 1 tokens do not fit the context of 10',
      }),
    );
    program.reset();
    await program.next(1);
    await program.dispose();
  });

  it('has tokens of the vocabulary, at least one', async () => {
    const { parameters } = initialState(CONFIG, 2);
    const program = await compileInference(CONFIG, parameters, { engine: onnxEngine, context: 10 });
    await expect(program.prefill(new Int32Array(0))).rejects.toThrow('a sequence needs at least one token');
    await expect(program.next(60)).rejects.toThrow(
      "token 60 at position 0 is outside of the model's vocabulary of 60",
    );
    await program.dispose();
  });
});
