import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/core/hash.js';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { parseModelConfig, trainedSpecs } from '../../../src/trainer/models/registry.js';
import { compileReference } from '../../../src/trainer/programs/reference.js';
import { initialState, type ModelState } from '../../../src/trainer/programs/state.js';
import { compileTraining, type TrainingProgram } from '../../../src/trainer/programs/training.js';
import { deviation } from '../../support/gradient-check.js';
import {
  freshState,
  loadReferenceModel,
  REFERENCE_MODELS,
  type ReferenceModel,
} from '../../support/reference-model.js';

function compileReferenceModel(
  { config, batch, context, training }: ReferenceModel,
  state: ModelState,
  clipNorm: number | null = training.clip_norm,
  threads = 1,
): Promise<TrainingProgram> {
  const { beta1, beta2, epsilon, weight_decay: weightDecay } = training;
  const optimizer = { beta1, beta2, epsilon, weightDecay, clipNorm };
  return compileTraining(config, { batch, context, optimizer, engine: onnxEngine, state, threads });
}

describe.each(REFERENCE_MODELS)('training %s', (name) => {
  it('has the losses and norms of PyTorch', async () => {
    const model = await loadReferenceModel(name);
    const program = await compileReferenceModel(model, freshState(model));
    const { losses, norms, routing_biases: biases = {}, learning_rate: learningRate } = model.training;
    for (const [at, loss] of losses.entries()) {
      const result = await program.step(model.ids, model.targets, { learningRate });
      expect(result.applied).toBe(true);
      expect(deviation([result.loss, result.gradientNorm], [loss, norms[at]])).toBeLessThan(2e-5);
    }
    const { step, parameters, first } = await program.state();
    expect(step).toBe(losses.length);
    for (const [key, expected] of Object.entries(biases)) {
      expect(deviation(parameters.get(key) as Float32Array, expected)).toBeLessThan(1e-6);
      expect(first.has(key)).toBe(false);
    }
    await program.dispose();
  });

  /**
   * Without clipping nothing but the guard orders the update of a weight behind its reads, so this would show a weight that
   * is overwritten too early. The oracle takes gradients from the program that updates nothing.
   */
  it('without clipping updates by the gradients of the weights before the step', async () => {
    const model = await loadReferenceModel(name);
    const state = freshState(model);
    const oracle = freshState(model);
    const program = await compileReferenceModel(model, state, null, 2);
    for (let t = 1; t <= 3; t++) {
      const options = { ...model, engine: onnxEngine };
      const reference = await compileReference(model.config, oracle.parameters, options);
      const { gradients } = await reference.run(model.ids, model.targets);
      await reference.dispose();
      applyAdamw(model, oracle, gradients, t, 0.01);
      await program.step(model.ids, model.targets, { learningRate: 0.01 });
    }
    const after = await program.state();
    for (const part of ['parameters', 'first', 'second'] as const) {
      for (const { name: key } of trainedSpecs(model.config)) {
        const second = oracle.second.get(key) as Float32Array;
        // A gradient that is 0 but for rounding, as that of a bias of keys, becomes a step of full size.
        const sound = (values: Float32Array): Float32Array => values.filter((_, i) => second[i] > 1e-14);
        const [actual, expected] = [after, oracle].map((state_) =>
          sound(state_[part].get(key) as Float32Array),
        );
        expect(deviation(actual, expected)).toBeLessThan(1e-5);
      }
    }
    await program.dispose();
  });
});

describe.each(['llama', 'gpt2', 'deepseek_v3'] as const)('gradients of %s added up over a batch', (name) => {
  it('make the steps of PyTorch on the whole batch', async () => {
    const model = await loadReferenceModel(name);
    const { losses, norms, learning_rate: learningRate, clip_norm: clipNorm } = model.training;
    const { routing_biases: biases = {} } = model.training;
    const { beta1, beta2, epsilon, weight_decay: weightDecay } = model.training;
    const program = await compileTraining(model.config, {
      batch: 1,
      accumulate: 2,
      context: model.context,
      optimizer: { beta1, beta2, epsilon, weightDecay, clipNorm },
      engine: onnxEngine,
      state: freshState(model),
      threads: 1,
    });
    for (const [at, loss] of losses.entries()) {
      const result = await program.step(model.ids, model.targets, { learningRate });
      expect(deviation([result.loss, result.gradientNorm], [loss, norms[at]])).toBeLessThan(2e-5);
    }
    const { step, parameters } = await program.state();
    expect(step).toBe(losses.length);
    for (const [key, expected] of Object.entries(biases)) {
      expect(deviation(parameters.get(key) as Float32Array, expected)).toBeLessThan(1e-6);
    }
    await program.dispose();
  });
});

describe('a step of several batches', () => {
  it('leaves the state as it was where one is not finite, and takes the next', async () => {
    const state = initialState(CONFIG, 5);
    const program = await compileTraining(CONFIG, {
      batch: 2,
      context: 32,
      accumulate: 2,
      optimizer: OPTIMIZER,
      engine: onnxEngine,
      state,
      threads: 2,
    });
    const norm = (await program.state()).parameters.get('model.norm.weight') as Float32Array;
    norm[0] = Infinity;
    const before = fingerprint(await program.state());
    expect((await program.step(IDS, TARGETS, { learningRate: 1e-2 })).applied).toBe(false);
    expect(fingerprint(await program.state())).toBe(before);
    norm[0] = 1;
    const { applied, loss } = await program.step(IDS, TARGETS, { learningRate: 1e-2 });
    expect([applied, (await program.state()).step]).toEqual([true, 1]);
    expect(loss).toBeCloseTo(Math.log(300), 0);
    await program.dispose();
  });
});

/** Algorithm 2 of the AdamW paper, word for word, in double precision. */
function applyAdamw(
  { config, training }: ReferenceModel,
  state: ModelState,
  gradients: ReadonlyMap<string, Float32Array>,
  t: number,
  learningRate: number,
): void {
  const { beta1, beta2, epsilon, weight_decay: weightDecay } = training;
  for (const { name, decay } of trainedSpecs(config)) {
    const [w, m, v, g] = [state.parameters, state.first, state.second, gradients].map(
      (arrays) => arrays.get(name) as Float32Array,
    );
    for (let i = 0; i < w.length; i++) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2;
      const corrected = m[i] / (1 - beta1 ** t) / (Math.sqrt(v[i] / (1 - beta2 ** t)) + epsilon);
      w[i] -= learningRate * (corrected + (decay ? weightDecay : 0) * w[i]);
    }
  }
}

/** Large enough that the kernels split their work among threads. */
const CONFIG = parseModelConfig({
  model_type: 'llama',
  vocab_size: 300,
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  tie_word_embeddings: true,
});
const BATCH = { batch: 4, context: 32 };
const OPTIMIZER = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 };
const IDS = Int32Array.from({ length: 128 }, (_, i) => (i * i * 7) % 300);
const TARGETS = Int32Array.from({ length: 128 }, (_, i) => ((i + 1) * (i + 1) * 7) % 300);

function compileSmall(state: ModelState, threads: number): Promise<TrainingProgram> {
  return compileTraining(CONFIG, { ...BATCH, optimizer: OPTIMIZER, engine: onnxEngine, state, threads });
}

/** A hash of every bit of a state. */
function fingerprint({ step, parameters, first, second }: ModelState): string {
  const arrays = [parameters, first, second].flatMap((part) => [...part.values()]);
  const bytes = arrays.map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  return `${step} ${sha256(Buffer.concat(bytes))}`;
}

async function train(state: ModelState, steps: number, threads: number): Promise<ModelState> {
  const program = await compileSmall(state, threads);
  for (let i = 0; i < steps; i++) await program.step(IDS, TARGETS, { learningRate: 1e-2 });
  await program.dispose();
  return program.state();
}

describe('results', () => {
  it('are the same to the last bit for 1, 2 and 3 threads, and when repeated', async () => {
    const run = async (threads: number): Promise<string> =>
      fingerprint(await train(initialState(CONFIG, 5), 10, threads));
    const one = await run(1);
    for (const threads of [1, 2, 3]) expect(await run(threads)).toBe(one);
  });

  it('are the same to the last bit when training stops and goes on from its state', async () => {
    const whole = await train(initialState(CONFIG, 5), 10, 2);
    const half = await train(initialState(CONFIG, 5), 4, 2);
    expect(fingerprint(await train(structuredClone(half), 6, 2))).toBe(fingerprint(whole));
  });

  it('get better', async () => {
    const state = initialState(CONFIG, 5);
    const program = await compileSmall(state, 2);
    const first = await program.step(IDS, TARGETS, { learningRate: 1e-2 });
    expect(first.loss).toBeCloseTo(Math.log(300), 0);
    for (let i = 0; i < 60; i++) await program.step(IDS, TARGETS, { learningRate: 1e-2 });
    const { lossSum, targets } = await program.evaluate(IDS, TARGETS);
    expect(targets).toBe(128);
    expect(lossSum / targets).toBeLessThan(0.5);
    await program.dispose();
  });
});

describe('evaluation', () => {
  it("counts the targets that are not ignored, agrees with the next step's loss and changes nothing", async () => {
    const state = initialState(CONFIG, 5);
    const program = await compileSmall(state, 2);
    await program.step(IDS, TARGETS, { learningRate: 1e-2 });
    const before = fingerprint(await program.state());
    const some = TARGETS.map((target, i) => (i % 3 === 0 ? -100 : target));
    const { lossSum, targets } = await program.evaluate(IDS, some);
    expect(targets).toBe(some.filter((target) => target !== -100).length);
    expect(fingerprint(await program.state())).toBe(before);
    const { loss } = await program.step(IDS, some, { learningRate: 1e-2 });
    expect(deviation([lossSum / targets], [loss])).toBeLessThan(1e-6);
    await program.dispose();
  });
});

describe('a step whose loss is not finite', () => {
  it('is reported and leaves the state as it was', async () => {
    const state = initialState(CONFIG, 5);
    const program = await compileSmall(state, 2);
    await program.step(IDS, TARGETS, { learningRate: 1e-2 });
    const norm = (await program.state()).parameters.get('model.norm.weight') as Float32Array;
    const sound = norm[0];
    norm[0] = Infinity;
    const before = fingerprint(await program.state());
    const result = await program.step(IDS, TARGETS, { learningRate: 1e-2 });
    expect(result.applied).toBe(false);
    expect(Number.isFinite(result.loss + result.gradientNorm)).toBe(false);
    expect(fingerprint(await program.state())).toBe(before);
    norm[0] = sound;
    expect((await program.step(IDS, TARGETS, { learningRate: 1e-2 })).applied).toBe(true);
    expect((await program.state()).step).toBe(2);
    await program.dispose();
  });

  it('is one without any target', async () => {
    const program = await compileSmall(initialState(CONFIG, 5), 2);
    const before = fingerprint(await program.state());
    const result = await program.step(
      IDS,
      IDS.map(() => -100),
      { learningRate: 1e-2 },
    );
    expect(result).toMatchObject({ loss: NaN, applied: false });
    expect(fingerprint(await program.state())).toBe(before);
    await program.dispose();
  });
});

describe('a batch that does not fit', () => {
  it.each([
    [IDS.subarray(1), TARGETS, 'a batch has 127 ids and 128 targets, the program wants 4 x 32'],
    [IDS.with(3, 300), TARGETS, "token 300 at position 3 is outside of the model's vocabulary of 300"],
    [IDS.with(0, -1), TARGETS, "token -1 at position 0 is outside of the model's vocabulary of 300"],
    [IDS, TARGETS.with(127, 301), "token 301 at position 127 is outside of the model's vocabulary of 300"],
  ])('is refused', async (ids, targets, message) => {
    const program = await compileSmall(initialState(CONFIG, 5), 1);
    await expect(program.step(ids, targets, { learningRate: 0 })).rejects.toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message }),
    );
    await program.dispose();
  });
});

describe('initial weights', () => {
  it('follow the seed', () => {
    const [five, again, six] = [5, 5, 6].map((seed) => fingerprint(initialState(CONFIG, seed)));
    expect(again).toBe(five);
    expect(six).not.toBe(five);
  });

  it('have the deviations that the parameters are specified with', () => {
    const { step, parameters, first, second } = initialState(CONFIG, 5);
    expect(step).toBe(0);
    for (const { name, init } of trainedSpecs(CONFIG)) {
      const values = parameters.get(name) as Float32Array;
      const deviationOf = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
      // The deviation of n normal numbers is known to about 1 / sqrt(2 n) of itself; all matrices have 2,048 or more.
      const [expected, tolerance] = init.kind === 'normal' ? [init.std, 0.07 * init.std] : [1, 0];
      expect(Math.abs(deviationOf - expected)).toBeLessThanOrEqual(tolerance);
      for (const moments of [first, second]) expect(new Set(moments.get(name))).toEqual(new Set([0]));
    }
  });
});

/**
 * PyTorch in float64 with transformers' model of the same weights: gradient norms of the cross-entropy and of the
 * cross-entropy + 0.05 mean(logsumexp(logits)^2), of which targets that are ignored have no part.
 */
describe('z-loss', () => {
  it.each([
    [0, 1, 6.3304966436624115],
    [0.05, 1, 7.391515733741735],
    [0.05, 2, 7.391515733741735],
  ])('of %s is in the gradient and not in the loss, in %i parts', async (zLoss, accumulate, norm) => {
    const model = await loadReferenceModel('llama');
    const program = await compileTraining(model.config, {
      batch: model.batch / accumulate,
      context: model.context,
      accumulate,
      zLoss,
      optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, clipNorm: null },
      engine: onnxEngine,
      state: freshState(model),
      threads: 1,
    });
    const result = await program.step(model.ids, model.targets, { learningRate: 0.01 });
    expect(deviation([result.loss, result.gradientNorm], [3.0515396234501897, norm])).toBeLessThan(2e-5);
    await program.dispose();
  });
});
