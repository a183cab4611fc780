/**
 * Training in float16. onnxruntime's CPU provider has the products of few kernels in float16: it computes in float32 between
 * casts, so results are rounded where a GPU rounds them, if not in every sum.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { add, constant, exp, gemm, matmul, mul, reduceSum, sub } from '../../../src/trainer/graph/build.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import { mixedPrecision } from '../../../src/trainer/graph/mixed-precision.js';
import type { Tensor } from '../../../src/trainer/graph/tensor.js';
import { trainOptionsSchema } from '../../../src/trainer/options.js';
import { INITIAL_SCALE, type LossScale, nextScale } from '../../../src/trainer/programs/loss-scale.js';
import { compileTraining, type TrainingProgram } from '../../../src/trainer/programs/training.js';
import type { ModelState } from '../../../src/trainer/programs/state.js';
import { train } from '../../../src/trainer/train.js';
import { deviation } from '../../support/gradient-check.js';
import { freshState, loadReferenceModel, type ReferenceModel } from '../../support/reference-model.js';
import { outcome, smallWorkspace, textTokens } from '../../support/trainer-process.js';

describe('the loss scale', () => {
  it('is what PyTorch makes of the same steps', () => {
    // torch._amp_update_scale_ of torch 2.13, overflowing at steps 1, 2 and 2501.
    const expected: readonly (readonly [number, number, number])[] = [
      [1, 32768, 0],
      [2, 16384, 0],
      [3, 16384, 1],
      [2001, 16384, 1999],
      [2002, 32768, 0],
      [2003, 32768, 1],
      [2500, 32768, 498],
      [2501, 16384, 0],
      [2502, 16384, 1],
      [4100, 16384, 1599],
    ];
    const found: (readonly [number, number, number])[] = [];
    let scale: LossScale = INITIAL_SCALE;
    for (let step = 1; step <= 4100; step++) {
      scale = nextScale(scale, ![1, 2, 2501].includes(step));
      if (expected.some(([at]) => at === step)) found.push([step, scale.scale, scale.good_steps]);
    }
    expect(found).toEqual(expected);
    // As large as it can be, it stays.
    expect(nextScale({ scale: 2 ** 127, good_steps: 1999 }, true)).toEqual({
      scale: 2 ** 127,
      good_steps: 0,
    });
  });
});

describe('the graph', () => {
  it('has products and what follows them in float16, sums and exponentials in float32', () => {
    const graph = new Graph();
    const [a, b] = ['a', 'b'].map((name) => graph.input(name, [2, 2], 'float32'));
    const bias = graph.input('bias', [2], 'float32');
    const column = constant(graph, [1, 2], [2, 1], 'float32');
    const product = gemm(a, b, { c: bias });
    const chain = {
      product,
      scaled: mul(product, 2),
      // 1e-6 is no normal number of float16.
      faint: mul(product, 1e-6),
      stacked: matmul(product, product, { transposeB: true, alpha: 0.5 }),
      mixed: sub(product, a),
      exponential: exp(product),
      sum: reduceSum(product),
      column: gemm(product, column),
      total: gemm(product, b, { c: add(product, product) }),
    };
    const { tensorOf, graph: mixed } = mixedPrecision(graph, Object.values(chain));
    /** Type of the node that makes a tensor, before the cast to what was asked for. */
    const typeOf = (tensor: Tensor): string => {
      const node = mixed.nodeOf(tensorOf(tensor));
      return node.operation === 'cast' ? node.inputs[0].dtype : node.output.dtype;
    };
    expect(Object.fromEntries(Object.entries(chain).map(([name, tensor]) => [name, typeOf(tensor)]))).toEqual(
      {
        product: 'float16',
        scaled: 'float16',
        faint: 'float32',
        stacked: 'float16',
        mixed: 'float32',
        exponential: 'float32',
        sum: 'float32',
        column: 'float32',
        total: 'float32',
      },
    );
    expect(Object.values(chain).every((tensor) => tensorOf(tensor).dtype === 'float32')).toBe(true);
    expect(tensorOf(a)).toMatchObject({ dtype: 'float32', shape: [2, 2] });
  });
});

function trainer(
  model: ReferenceModel,
  state: ModelState,
  lossScale?: LossScale,
  accumulate = 1,
): Promise<TrainingProgram> {
  const { beta1, beta2, epsilon, weight_decay: weightDecay, clip_norm: clipNorm } = model.training;
  return compileTraining(model.config, {
    batch: model.batch / accumulate,
    context: model.context,
    accumulate,
    optimizer: { beta1, beta2, epsilon, weightDecay, clipNorm },
    precision: 'float16',
    lossScale,
    engine: onnxEngine,
    state,
    threads: 1,
  });
}

async function steps(
  program: TrainingProgram,
  model: ReferenceModel,
  count: number,
): Promise<{ losses: number[]; norms: number[]; applied: boolean[] }> {
  const found: { losses: number[]; norms: number[]; applied: boolean[] } = {
    losses: [],
    norms: [],
    applied: [],
  };
  for (let step = 0; step < count; step++) {
    const options = { learningRate: model.training.learning_rate };
    const { loss, gradientNorm, applied } = await program.step(model.ids, model.targets, options);
    found.losses.push(loss);
    found.norms.push(gradientNorm);
    found.applied.push(applied);
  }
  return found;
}

async function copyOf(program: TrainingProgram): Promise<ModelState> {
  return structuredClone(await program.state());
}

describe('training', () => {
  it.each(['llama', 'gpt2', 'mixtral'] as const)(
    '%s has the losses and norms of PyTorch in float32, up to rounding to float16',
    async (name) => {
      const model = await loadReferenceModel(name);
      // The sixth step of mixtral overflows: its gradients are large.
      const [losses, norms] = [model.training.losses, model.training.norms].map((all) => all.slice(0, 4));
      for (const accumulate of [1, 2]) {
        const program = await trainer(model, freshState(model), undefined, accumulate);
        const found = await steps(program, model, losses.length);
        await program.dispose();
        // An auxiliary loss is the mean of the parts', so only the loss of all of them is comparable there.
        const allowed = accumulate === 1 || name !== 'mixtral' ? 5e-3 : 5e-2;
        expect(deviation(found.losses, losses)).toBeLessThan(1e-3);
        expect(deviation(found.norms, norms)).toBeLessThan(allowed);
        // It is rounded, so float16 was there.
        expect(deviation(found.losses, losses)).toBeGreaterThan(1e-6);
      }
    },
  );

  it('leaves everything as it is where gradients overflow, and finds the scale that they bear', async () => {
    const model = await loadReferenceModel('llama');
    const program = await trainer(model, freshState(model), { scale: 2 ** 21, good_steps: 7 });
    const before = await copyOf(program);
    const options = { learningRate: model.training.learning_rate };
    const first = await program.step(model.ids, model.targets, options);
    expect(first).toMatchObject({ applied: false, lossScale: 2 ** 21 });
    expect(Number.isFinite(first.loss)).toBe(true);
    expect(await copyOf(program)).toEqual(before);
    expect(program.lossScale).toEqual({ scale: 2 ** 20, good_steps: 0 });
    const { applied } = await steps(program, model, 8);
    expect(applied.at(-1)).toBe(true);
    expect(program.lossScale?.scale).toBeLessThan(2 ** 20);
    expect((await program.state()).step).toBe(program.lossScale?.good_steps);
    await program.dispose();
  });

  it('goes on with its scale as if it had not stopped', async () => {
    const { workspace, ...made } = await smallWorkspace([textTokens(1, 60), textTokens(2, 90)]);
    const run = async (name: string, limit?: number): Promise<string[]> => {
      const given = { dataset: 'd', model: made.model, run: name, batch: 2, context: 16, threads: 1 };
      const options = trainOptionsSchema.parse({
        ...given,
        steps: 6,
        replay: true,
        precision: 'float16',
        evalEvery: 100,
        evalTokens: 64,
      });
      const log: string[] = [];
      const controller = new AbortController();
      const onProgress = ({ step }: { readonly step: number }): void => {
        if (step === limit) controller.abort();
      };
      const context = {
        workspace,
        log: (line: string) => log.push(line),
        onProgress,
        signal: controller.signal,
      };
      await train(options, context);
      return log;
    };
    await run('whole');
    await expect(run('parts', 3)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await run('parts');
    const strip = async (name: string): Promise<unknown> =>
      JSON.parse(JSON.stringify(await outcome({ workspace, ...made }, name, 6)).replaceAll(name, 'run'));
    expect(await strip('parts')).toEqual(await strip('whole'));
    const folder = join(workspace.models, 'whole', 'checkpoints', 'step-000006');
    const state: unknown = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8'));
    expect(state).toMatchObject({ loss_scale: { scale: 65_536, good_steps: 6 } });
    const other = trainOptionsSchema.parse({ dataset: 'd', run: 'whole', precision: 'float32' });
    await expect(train(other, { workspace, log: () => undefined })).rejects.toMatchObject({
      code: 'CONFIG_MISMATCH',
      message: 'run whole began with --precision float16, not float32',
    });
  });
});
