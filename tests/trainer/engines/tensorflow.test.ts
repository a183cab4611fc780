/** On the library's core with its CPU backend, which are development dependencies; the native packages run the same calls. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import {
  chooseSource,
  loadTensorflow,
  restoreUtilities,
  SOURCES,
} from '../../../src/trainer/engines/tensorflow/load.js';
import { tensorflowEngine } from '../../../src/trainer/engines/tensorflow/tensorflow-engine.js';
import { add, cast, gemm, mul } from '../../../src/trainer/graph/build.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import { trainOptionsSchema } from '../../../src/trainer/options.js';
import { compileReference } from '../../../src/trainer/programs/reference.js';
import { compileTraining, type TrainingProgram } from '../../../src/trainer/programs/training.js';
import type { ModelState } from '../../../src/trainer/programs/state.js';
import { train } from '../../../src/trainer/train.js';
import { deviation } from '../../support/gradient-check.js';
import {
  freshState,
  loadReferenceModel,
  REFERENCE_MODELS,
  type ReferenceModel,
} from '../../support/reference-model.js';
import { smallWorkspace, textTokens } from '../../support/trainer-process.js';

const lines: string[] = [];
const tf = await loadTensorflow('cpu', (line) => lines.push(line));
const engine = tensorflowEngine(tf);

const largestOf = (values: Float32Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe('models', () => {
  it.each(REFERENCE_MODELS)('%s has the logits, the loss and the gradients of transformers', async (name) => {
    const model = await loadReferenceModel(name);
    const program = await compileReference(model.config, model.parameters, { ...model, engine });
    const result = await program.run(model.ids, model.targets);
    await program.dispose();
    expect(deviation(result.logits, model.logits)).toBeLessThan(5e-6);
    expect(deviation([result.loss], [model.loss])).toBeLessThan(5e-6);
    expect(result.gradients.size).toBe(model.gradients.size);
    const largest = Math.max(...[...model.gradients.values()].map(largestOf));
    for (const [key, expected] of model.gradients) {
      // In units of the largest entry of the tensor, but of a fiftieth of all gradients' at least: some are rounding errors.
      const unit = Math.max(0.02 * largest, largestOf(expected));
      const scaled = (values: Float32Array): Float64Array => Float64Array.from(values, (x) => x / unit);
      expect(
        deviation(scaled(result.gradients.get(key) as Float32Array), scaled(expected)),
        key,
      ).toBeLessThan(2e-5);
    }
  });
});

function trainer(model: ReferenceModel, state: ModelState, on = engine): Promise<TrainingProgram> {
  const { beta1, beta2, epsilon, weight_decay: weightDecay, clip_norm: clipNorm } = model.training;
  return compileTraining(model.config, {
    batch: model.batch,
    context: model.context,
    optimizer: { beta1, beta2, epsilon, weightDecay, clipNorm },
    engine: on,
    state,
  });
}

async function steps(program: TrainingProgram, model: ReferenceModel, count: number): Promise<number[]> {
  const losses: number[] = [];
  for (let step = 0; step < count; step++) {
    const options = { learningRate: model.training.learning_rate };
    losses.push((await program.step(model.ids, model.targets, options)).loss);
  }
  return losses;
}

/** The state on the host, in arrays that the next step leaves alone. */
async function copyOf(program: TrainingProgram): Promise<ModelState> {
  const { step, ...maps } = await program.state();
  const copy = (arrays: Map<string, Float32Array>): Map<string, Float32Array> =>
    new Map([...arrays].map(([name, values]) => [name, values.slice()]));
  return {
    step,
    parameters: copy(maps.parameters),
    first: copy(maps.first),
    second: copy(maps.second),
  };
}

describe('training', () => {
  it('has the losses of PyTorch, leaks nothing, and goes on from its state as if it had not stopped', async () => {
    const model = await loadReferenceModel('llama');
    const whole = await trainer(model, freshState(model));
    const losses = await steps(whole, model, 1);
    const { numTensors } = tf.memory();
    losses.push(...(await steps(whole, model, model.training.losses.length - 1)));
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(deviation(losses, [...model.training.losses])).toBeLessThan(1e-5);

    const first = await trainer(model, freshState(model));
    await steps(first, model, 1);
    const second = await trainer(model, await copyOf(first));
    await steps(second, model, losses.length - 1);
    expect(await second.state()).toEqual(await whole.state());
    for (const program of [whole, first, second]) await program.dispose();
  });

  it('skips a step whose gradients are not finite, and adds gradients up as the other engine does', async () => {
    const model = await loadReferenceModel('llama');
    const program = await trainer(model, freshState(model));
    const before = await copyOf(program);
    const options = { learningRate: Infinity };
    await program.step(model.ids, model.targets, options);
    const broken = await copyOf(program);
    expect((await program.step(model.ids, model.targets, options)).applied).toBe(false);
    expect(await program.state()).toEqual(broken);
    expect(before.step).toBe(0);
    await program.dispose();

    const states = [];
    for (const on of [engine, onnxEngine]) {
      const half = { ...model, batch: model.batch / 2 };
      const accumulating = await compileTraining(model.config, {
        ...half,
        accumulate: 2,
        optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1, muon: true },
        engine: on,
        state: freshState(model),
      });
      await steps(accumulating, model, 2);
      states.push(await copyOf(accumulating));
      await accumulating.dispose();
    }
    for (const [name, values] of states[0].parameters) {
      expect(deviation(values, states[1].parameters.get(name) as Float32Array), name).toBeLessThan(1e-5);
    }
  });
});

describe('a run', () => {
  it('goes on at its checkpoint, with the losses of the other engine', async () => {
    const losses = await Promise.all(
      (['tensorflow', 'onnx'] as const).map(async (name) => {
        const { workspace, model } = await smallWorkspace([textTokens(1, 60), textTokens(2, 90)]);
        const log: string[] = [];
        for (const last of [3, 6]) {
          const given = { dataset: 'd', model, run: 'r', batch: 2, context: 16, engine: name, device: 'cpu' };
          const options = trainOptionsSchema.parse({ ...given, steps: last, evalTokens: 64 });
          await train(options, { workspace, log: (line) => log.push(line) });
        }
        expect(log).toContainEqual(expect.stringContaining(`engine ${name} on cpu: `));
        const text = await readFile(join(workspace.models, 'r', 'metrics.jsonl'), 'utf8');
        return text
          .trimEnd()
          .split('\n')
          .map((line) => (JSON.parse(line) as { readonly loss: number }).loss);
      }),
    );
    expect(losses[0].length).toBe(6);
    expect(deviation(losses[0], losses[1])).toBeLessThan(1e-5);
  });
});

describe('the engine', () => {
  it('updates variables, returns inputs and constants, and frees what a run has made', async () => {
    const graph = new Graph();
    const total = graph.input('total', [2], 'float32');
    const other = graph.input('other', [2], 'float32');
    const x = graph.input('x', [2], 'float32');
    const variables = [1, 2].map((value) => engine.variable(Float32Array.of(value, value), [2], 'float32'));
    const sum = add(total, x);
    const program = await engine.compile({
      graph,
      outputs: { x, sum, double: mul(sum, 2), whole: cast(cast(sum, 'int32'), 'float32') },
      // Both take the same value, and one of them that of the other before the run.
      bindings: [
        { input: total, variable: variables[0], update: sum },
        { input: other, variable: variables[1], update: total },
      ],
    });
    const before = tf.memory().numTensors;
    expect(await program.run({ x: Float32Array.of(10.5, 20) })).toEqual({
      x: Float32Array.of(10.5, 20),
      sum: Float32Array.of(11.5, 21),
      double: Float32Array.of(23, 42),
      whole: Float32Array.of(11, 21),
    });
    expect([...(await variables[0].read())]).toEqual([11.5, 21]);
    expect([...(await variables[1].read())]).toEqual([1, 1]);
    await expect(program.run({})).rejects.toThrow(
      expect.objectContaining({ code: 'ENGINE_FAILED', message: 'the input x is missing' }),
    );
    expect([...(await variables[0].read())]).toEqual([11.5, 21]);
    expect(tf.memory().numTensors).toBe(before);
    await program.dispose();
  });

  it.each(['float64', 'float16'] as const)('refuses %s, for which the library has no type', async (type) => {
    const graph = new Graph();
    const x = cast(graph.input('x', [2, 2], 'float32'), type);
    const y = cast(gemm(x, x), 'float32');
    await expect(engine.compile({ graph, outputs: { y }, bindings: [] })).rejects.toThrow(
      expect.objectContaining({ code: 'ENGINE_FAILED', message: expect.stringContaining(`no ${type}`) }),
    );
  });
});

describe('the package', () => {
  const names = SOURCES.map(({ name }) => name);
  const backend = '@tensorflow/tfjs-backend-cpu';

  it('is the fastest that is installed, on the device that is asked for', () => {
    const all = new Set<string>(names);
    expect(chooseSource('auto', (name) => all.has(name)).name).toBe('@tensorflow/tfjs-node-gpu');
    expect(chooseSource('cuda', (name) => all.has(name)).name).toBe('@tensorflow/tfjs-node-gpu');
    expect(chooseSource('cpu', (name) => all.has(name)).name).toBe('@tensorflow/tfjs-node');
    const few = new Set(['@tensorflow/tfjs-core', backend]);
    expect(chooseSource('auto', (name) => few.has(name)).name).toBe('@tensorflow/tfjs-core');
    expect(lines).toEqual([
      `engine tensorflow on cpu: @tensorflow/tfjs-core ${tf.version_core} (JavaScript alone, slow)`,
    ]);
  });

  it.each([
    ['cpu', 'TensorFlow.js is not installed', '@tensorflow/tfjs-node, or @tensorflow/tfjs'],
    ['auto', 'TensorFlow.js is not installed', '@tensorflow/tfjs-node, or @tensorflow/tfjs'],
    ['cuda', 'TensorFlow.js with CUDA is not installed', '@tensorflow/tfjs-node-gpu'],
    ['webgpu', 'TensorFlow.js has no WebGPU device outside of browsers', '--engine onnx'],
  ] as const)('is missed by name where %s is asked for', (device, message, hint) => {
    // The core alone computes nothing.
    expect(() => chooseSource(device, (name) => name === '@tensorflow/tfjs-core')).toThrow(
      expect.objectContaining({ code: 'DEVICE_MISSING', message, hint: expect.stringContaining(hint) }),
    );
  });

  it('finds what newer Nodes have removed, and what they have as it is', () => {
    const isArray = (): boolean => false;
    const module: Record<string, unknown> = { isArray };
    restoreUtilities(module);
    expect(module['isArray']).toBe(isArray);
    const isNothing = module['isNullOrUndefined'] as (value: unknown) => boolean;
    expect([undefined, null, 0, ''].map(isNothing)).toEqual([true, true, false, false]);
  });
});
