import { InferenceSession } from 'onnxruntime-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Engine, ProgramDefinition } from '../../../src/trainer/engines/engine.js';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { scheduled } from '../../../src/trainer/graph/schedule.js';
import { sizeOf, type Tensor } from '../../../src/trainer/graph/tensor.js';
import { parseModelConfig } from '../../../src/trainer/models/registry.js';
import { initialState } from '../../../src/trainer/programs/state.js';
import { compileTraining, type TrainingProgram } from '../../../src/trainer/programs/training.js';
import { deviation } from '../../support/gradient-check.js';
import { freshState, loadReferenceModel, REFERENCE_MODELS } from '../../support/reference-model.js';

const OPTIMIZER = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 };

/**
 * onnxruntime's optimizer fuses norms and activations of a forward pass of which the backward pass needs no part, and the
 * fused kernels round in another way. Without it the programs do the same arithmetic.
 */
describe.each(REFERENCE_MODELS)('recomputed activations of %s', (name) => {
  const create = InferenceSession.create.bind(InferenceSession) as (
    model: Uint8Array,
    options?: InferenceSession.SessionOptions,
  ) => Promise<InferenceSession>;
  beforeEach(() => {
    vi.spyOn(InferenceSession, 'create').mockImplementation(((
      model: Uint8Array,
      options?: InferenceSession.SessionOptions,
    ) =>
      create(model, { ...options, graphOptimizationLevel: 'disabled' })) as typeof InferenceSession.create);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('change no bit of losses, norms and state', async () => {
    const model = await loadReferenceModel(name);
    const { config, batch, context, ids, targets } = model;
    const compile = (recompute: boolean): Promise<TrainingProgram> => {
      const options = { batch, context, optimizer: OPTIMIZER, engine: onnxEngine, threads: 1 };
      return compileTraining(config, { ...options, recompute, state: freshState(model) });
    };
    const [kept, recomputed] = [await compile(false), await compile(true)];
    for (let step = 0; step < 2; step++) {
      const options = { learningRate: 0.01 };
      const [ours, expected] = [
        await recomputed.step(ids, targets, options),
        await kept.step(ids, targets, options),
      ];
      if (name !== 'mixtral') expect(ours).toEqual(expected);
      // The gradients of the balancing loss and of the rest meet at the router's weights, not at its scores: another order.
      else
        expect(
          deviation([ours.loss, ours.gradientNorm], [expected.loss, expected.gradientNorm]),
        ).toBeLessThan(1e-5);
    }
    if (name !== 'mixtral') expect(await recomputed.state()).toEqual(await kept.state());
    await kept.dispose();
    await recomputed.dispose();
  });
});

/** Bytes of the tensors that are in memory at once at most, where each goes when its last reader is done. */
function peakBytes({ graph, outputs, bindings }: ProgramDefinition): number {
  const wanted: readonly Tensor[] = [
    ...bindings.flatMap(({ update }) => update ?? []),
    ...Object.values(outputs),
  ];
  const order = scheduled(graph, wanted);
  const last = new Map(wanted.map(({ id }) => [id, Infinity]));
  for (const [at, { inputs }] of order.entries()) {
    for (const { id } of inputs) last.set(id, Math.max(at, last.get(id) ?? 0));
  }
  let [now, peak] = [0, 0];
  for (const [at, { operation, inputs, output }] of order.entries()) {
    if (operation === 'input' || operation === 'constant') continue;
    // An update takes the place of what it updates.
    if (last.get(output.id) !== Infinity) now += 4 * sizeOf(output.shape);
    peak = Math.max(peak, now);
    for (const { id, shape } of new Set(inputs)) {
      const { operation: made } = graph.nodes[id];
      if (last.get(id) === at && made !== 'input' && made !== 'constant') now -= 4 * sizeOf(shape);
    }
  }
  return peak;
}

describe('the memory of recomputed activations', () => {
  it('does not grow with the depth by more than the rows between layers', async () => {
    const [batch, context, width] = [2, 64, 32];
    const peakOf = async (layers: number, recompute: boolean): Promise<number> => {
      const config = parseModelConfig({
        model_type: 'llama',
        vocab_size: 64,
        hidden_size: width,
        intermediate_size: 96,
        num_hidden_layers: layers,
        num_attention_heads: 4,
      });
      let peak = 0;
      const engine: Engine = {
        ...onnxEngine,
        async compile(definition) {
          peak = peakBytes(definition);
          return { run: async () => ({}), dispose: async () => undefined };
        },
      };
      const state = initialState(config, 1);
      await compileTraining(config, { batch, context, optimizer: OPTIMIZER, engine, state, recompute });
      return peak;
    };
    const rows = 4 * batch * context * width;
    const growth = async (recompute: boolean): Promise<number> =>
      (await peakOf(8, recompute)) - (await peakOf(4, recompute));
    // Gradients of all layers wait for the norm of all: 4 width^2 + 3 width inner a layer.
    const gradients = 4 * 4 * (4 * width * width + 3 * width * 96 + 2 * width);
    expect(await growth(true)).toBeLessThanOrEqual(gradients + 4 * rows);
    expect(await growth(false)).toBeGreaterThan(gradients + 4 * 10 * rows);
  });
});
