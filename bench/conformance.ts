/**
 * The trainer's building blocks against the fixtures of Stanford's CS336 (assignment 1 of 2024, tests/fixtures of the
 * course's repository), which TOKENMILL_CS336 names a folder of: RMSNorm, feed-forward layer with exact GELU, attention,
 * a pre-norm block, and a language model with learned positions. Prints the largest absolute deviation of each; more than
 * 1e-6, and 1e-4 for the model's logits, is an error. AdamW's fixture comes from a thousand steps on batches that PyTorch
 * draws, so it is checked where TOKENMILL_PYTHON names a Python with torch, and to 1e-5: torch.optim.AdamW of PyTorch
 * 2.13 in float32 is 5.5e-6 from it.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { onnxEngine } from '../src/trainer/engines/onnx/onnx-engine.js';
import { toFloat32, toInt32 } from '../src/trainer/elements.js';
import {
  add,
  constant,
  gatherRows,
  gemm,
  mul,
  reduceSumSquare,
  reshape,
  sub,
} from '../src/trainer/graph/build.js';
import { gelu } from '../src/trainer/graph/composites/activations.js';
import { attention } from '../src/trainer/graph/composites/attention.js';
import { rmsNorm } from '../src/trainer/graph/composites/rms-norm.js';
import { gradients } from '../src/trainer/graph/gradients.js';
import { Graph } from '../src/trainer/graph/graph.js';
import type { Tensor } from '../src/trainer/graph/tensor.js';
import { adamw, adamwFactors, stepInputs } from '../src/trainer/optimizers/adamw.js';
import { clipGradients } from '../src/trainer/optimizers/clipping.js';
import { causalMask } from '../src/trainer/programs/forward.js';
import { readSafetensors, type Tensor as StoredTensor } from '../src/trainer/safetensors.js';
import type { Benchmark } from './support/benchmark.js';

const FOLDER = process.env['TOKENMILL_CS336'];
const PYTHON = process.env['TOKENMILL_PYTHON'];

const EPSILON = 1e-5;
const TOLERANCE = 1e-6;
const LOGITS_TOLERANCE = 1e-4;
const OPTIMIZER_TOLERANCE = 1e-5;

type Weights = ReadonlyMap<string, StoredTensor>;

/** Weights of a fixture as constants of a graph. */
class Fixture {
  readonly graph = new Graph();
  private readonly weights: Weights;

  constructor(weights: Weights) {
    this.weights = weights;
  }

  weight(name: string): Tensor {
    const stored = this.weights.get(name);
    if (stored === undefined) throw new Error(`the fixture has no ${name}`);
    return constant(this.graph, toFloat32(stored, name), stored.shape, 'float32');
  }

  linear(name: string, x: Tensor): Tensor {
    return gemm(x, this.weight(name), { transposeB: true });
  }

  norm(name: string, x: Tensor): Tensor {
    return rmsNorm(x, this.weight(name), EPSILON);
  }

  feedForward(prefix: string, x: Tensor): Tensor {
    return this.linear(`${prefix}w2.weight`, gelu(this.linear(`${prefix}w1.weight`, x)));
  }

  /** Of rows [time * batch, width], time-major. */
  selfAttention(q: Tensor, k: Tensor, v: Tensor, shape: Rows, heads: number): Tensor {
    const { batch, time } = shape;
    const width = q.shape[1] / heads;
    const split = (x: Tensor): Tensor => reshape(x, [time, batch, heads, width]);
    const times = Int32Array.from({ length: time }, (_, at) => at);
    const mask = causalMask(constant(this.graph, times, [time], 'int32'), time);
    const mixed = attention(split(q), split(k), split(v), { mask, scale: 1 / Math.sqrt(width) });
    return reshape(mixed, [time * batch, heads * width]);
  }

  block(prefix: string, x: Tensor, shape: Rows, heads: number): Tensor {
    const normed = this.norm(`${prefix}ln1.weight`, x);
    const project = (name: string): Tensor => this.linear(`${prefix}attn.${name}_proj.weight`, normed);
    const mixed = this.selfAttention(project('q'), project('k'), project('v'), shape, heads);
    const y = add(x, this.linear(`${prefix}attn.output_proj.weight`, mixed));
    return add(y, this.feedForward(`${prefix}ffn.`, this.norm(`${prefix}ln2.weight`, y)));
  }

  async run(output: Tensor): Promise<Float32Array> {
    const program = await onnxEngine.compile({ graph: this.graph, outputs: { output }, bindings: [] });
    const results = await program.run({});
    await program.dispose();
    return results['output'] as Float32Array;
  }
}

interface Rows {
  readonly batch: number;
  readonly time: number;
}

async function fixture(name: string): Promise<Weights> {
  return (await readSafetensors(join(FOLDER as string, `${name}.safetensors`))).tensors;
}

async function values(name: string): Promise<StoredTensor> {
  return (await fixture(name)).get('tensor') as StoredTensor;
}

/** [first, second, ...rest] -> [second, first, ...rest]: batch-major rows to time-major ones, and back. */
function swapped<Values extends Float32Array | Int32Array>(
  data: Values,
  [first, second]: readonly number[],
): Values {
  const width = data.length / (first * second);
  const result = data.slice() as Values;
  for (let a = 0; a < first; a++)
    for (let b = 0; b < second; b++)
      result.set(
        data.subarray((a * second + b) * width, (a * second + b + 1) * width),
        (b * first + a) * width,
      );
  return result;
}

function largestDeviation(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} values, expected ${expected.length}`);
  return actual.reduce((largest, value, at) => Math.max(largest, Math.abs(value - expected[at])), 0);
}

/** Deviation of a layer on the features [8, 128, 64]. */
async function layer(
  weights: string,
  expected: string,
  apply: (fixture: Fixture, x: Tensor, shape: Rows) => Tensor,
): Promise<number> {
  const features = await values('in_features');
  const [batch, time, width] = features.shape;
  const made = new Fixture(await fixture(weights));
  const rows = swapped(toFloat32(features, 'in_features'), features.shape);
  const x = constant(made.graph, rows, [time * batch, width], 'float32');
  const actual = swapped(await made.run(apply(made, x, { batch, time })), [time, batch]);
  return largestDeviation(actual, toFloat32(await values(expected), expected));
}

async function plainAttention(): Promise<number> {
  const load = async (part: string): Promise<StoredTensor> => values(`scaled_dot_product_attention_${part}`);
  const [q, k, v, expected] = [
    await load('Q'),
    await load('K'),
    await load('V'),
    await load('expected_output'),
  ];
  const [batch, heads, time, width] = q.shape;
  const made = new Fixture(new Map());
  const flat = [batch * heads, time];
  const place = (stored: StoredTensor): Tensor =>
    constant(made.graph, swapped(toFloat32(stored, 'tensor'), flat), [time, batch, heads, width], 'float32');
  const masked = Float32Array.from((await load('mask')).bytes, (hidden) => (hidden === 0 ? 0 : -Infinity));
  const mask = constant(made.graph, masked, [time, time], 'float32');
  const output = attention(place(q), place(k), place(v), { mask, scale: 1 / Math.sqrt(width) });
  const actual = swapped(await made.run(output), [time, batch * heads]);
  return largestDeviation(actual, toFloat32(expected, 'expected'));
}

async function headsByName(): Promise<number> {
  const heads = [0, 1];
  return layer(
    'unbatched_multihead_self_attention_weights',
    'unbatched_multihead_self_attention_expected_output',
    (made, x, shape) => {
      const { batch, time } = shape;
      // Each head has its own weights, so each is an attention of one head, and the last layer sums over them.
      const mixed = heads.map((head) => {
        const project = (name: string): Tensor => made.linear(`${name}_heads.${head}.weight`, x);
        return made.selfAttention(project('q'), project('k'), project('v'), shape, 1);
      });
      const output = made.weight('output_proj.weight');
      const width = output.shape[0] / heads.length;
      return mixed
        .map((part, head) => {
          const select = Float32Array.from({ length: width * output.shape[0] }, (_, at) =>
            at % output.shape[0] === head * width + Math.floor(at / output.shape[0]) ? 1 : 0,
          );
          const placed = gemm(part, constant(made.graph, select, [width, output.shape[0]], 'float32'));
          return gemm(reshape(placed, [time * batch, output.shape[0]]), output, { transposeB: true });
        })
        .reduce((sum, part) => add(sum, part));
    },
  );
}

async function languageModel(ids: string, expected: string): Promise<number> {
  const stored = await values(ids);
  const [batch, time] = stored.shape;
  const made = new Fixture(await fixture('transformer_lm_weights'));
  const tokens = swapped(toInt32(stored, ids), stored.shape);
  const positions = Int32Array.from({ length: time * batch }, (_, row) => Math.floor(row / batch));
  const lookUp = (name: string, index: Int32Array): Tensor =>
    gatherRows(made.weight(`${name}.weight`), constant(made.graph, index, [time * batch], 'int32'));
  let x = add(lookUp('token_embeddings', tokens), lookUp('position_embeddings', positions));
  for (const index of [0, 1]) x = made.block(`layers.${index}.`, x, { batch, time }, 2);
  const logits = made.linear('lm_head.weight', made.norm('ln_final.weight', x));
  const actual = swapped(await made.run(logits), [time, batch]);
  return largestDeviation(actual, toFloat32(await values(expected), expected));
}

const DRAWS = `
import json, torch
torch.manual_seed(42)
model = torch.nn.Linear(3, 2, bias=False)
print(json.dumps({"w": model.weight.flatten().tolist(), "x": [torch.rand(3).tolist() for _ in range(1000)]}))
`;

/** A linear layer that learns (x0 + x1, -x2). */
async function optimizer(python: string): Promise<number> {
  const draws = JSON.parse(execFileSync(python, ['-c', DRAWS], { encoding: 'utf8' })) as {
    w: number[];
    x: number[][];
  };
  const graph = new Graph();
  const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, clipNorm: null };
  const [parameter, first, second] = ['w', 'm', 'v'].map((name) => graph.input(name, [2, 3], 'float32'));
  const x = graph.input('x', [1, 3], 'float32');
  const difference = sub(gemm(x, parameter, { transposeB: true }), graph.input('y', [1, 2], 'float32'));
  const loss = mul(reduceSumSquare(difference), 1);
  const [gradient] = gradients(graph, loss, [parameter]);
  const factors = adamwFactors(graph, options, clipGradients(loss, [gradient], null));
  const after = adamw({ parameter, first, second }, gradient, true, factors);
  const weights = Float32Array.from(draws.w);
  const bindings = [
    { input: parameter, values: weights, update: after.parameter },
    { input: first, values: new Float32Array(6), update: after.first },
    { input: second, values: new Float32Array(6), update: after.second },
  ].map(({ values: array, ...binding }) => ({
    ...binding,
    variable: onnxEngine.variable(array, [2, 3], 'float32'),
  }));
  const program = await onnxEngine.compile({ graph, outputs: { loss }, bindings });
  for (const [at, [a, b, c]] of draws.x.entries()) {
    const inputs = { x: Float32Array.of(a, b, c), y: Float32Array.of(a + b, -c) };
    await program.run({ ...inputs, ...stepInputs(options, at + 1, 1e-3) });
  }
  await program.dispose();
  return largestDeviation(weights, toFloat32(await values('adamw_expected_params'), 'adamw_expected_params'));
}

export const run: Benchmark = async () => {
  if (FOLDER === undefined) {
    process.stdout.write('set TOKENMILL_CS336 to the folder of the fixtures; nothing was checked\n');
    return { checked: false };
  }
  const checks: [name: string, deviation: number, tolerance: number][] = [
    [
      'RMSNorm',
      await layer('rmsnorm_weights', 'rmsnorm_expected_output', (made, x) => made.norm('weight', x)),
      TOLERANCE,
    ],
    [
      'feed-forward',
      await layer('positionwise_feedforward_weights', 'positionwise_feedforward_expected_output', (made, x) =>
        made.feedForward('', x),
      ),
      TOLERANCE,
    ],
    ['attention', await plainAttention(), TOLERANCE],
    ['multi-head attention', await headsByName(), TOLERANCE],
    [
      'block',
      await layer('transformer_block_weights', 'transformer_block_expected_output', (made, x, shape) =>
        made.block('', x, shape, 2),
      ),
      TOLERANCE,
    ],
    ['language model', await languageModel('in_indices', 'transformer_lm_expected_output'), LOGITS_TOLERANCE],
    [
      'language model, shorter',
      await languageModel('in_indices_truncated', 'transformer_lm_truncated_expected_output'),
      LOGITS_TOLERANCE,
    ],
  ];
  if (PYTHON !== undefined) checks.push(['AdamW', await optimizer(PYTHON), OPTIMIZER_TOLERANCE]);
  for (const [name, deviation, tolerance] of checks) {
    process.stdout.write(
      `${name.padEnd(24)} ${deviation.toExponential(2)} of ${tolerance.toExponential(0)}\n`,
    );
  }
  const beyond = checks.filter(([, deviation, tolerance]) => !(deviation <= tolerance));
  if (beyond.length > 0) throw new Error(`beyond the tolerance: ${beyond.map(([name]) => name).join(', ')}`);
  return Object.fromEntries(checks.map(([name, deviation]) => [name, deviation]));
};
