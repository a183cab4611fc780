/** The matrix products of a program by themselves: the time that no step with the same products can beat on an engine. */
import { onnxEngine } from '../../src/trainer/engines/onnx/onnx-engine.js';
import type { ProgramDefinition } from '../../src/trainer/engines/engine.js';
import { Graph } from '../../src/trainer/graph/graph.js';
import {
  type Attributes,
  type MatmulAttributes,
  type Node,
  type Shape,
  sizeOf,
  type Tensor,
} from '../../src/trainer/graph/tensor.js';

/** Runs of each distinct product; the median counts. */
const REPEATS = 9;

export interface ProductFigures {
  /** Sum over the products of a step. */
  readonly seconds: number;
  readonly products: number;
  /** Multiplications and additions. */
  readonly operations: number;
}

/** Times each distinct product of a program alone, and adds up as often as it occurs. */
export async function timeProducts(
  { graph, outputs, bindings }: ProgramDefinition,
  threads: number,
): Promise<ProductFigures> {
  const updates = bindings.flatMap(({ update }) => update ?? []);
  const products = graph
    .live([...Object.values(outputs), ...updates])
    .filter(({ operation }) => operation === 'gemm' || operation === 'matmul');
  const distinct = new Map<string, { node: Node; count: number }>();
  for (const node of products) {
    const key = JSON.stringify([node.operation, node.attributes, node.inputs.map(({ shape }) => shape)]);
    distinct.set(key, { node, count: (distinct.get(key)?.count ?? 0) + 1 });
  }
  let [seconds, operations] = [0, 0];
  for (const { node, count } of distinct.values()) {
    seconds += count * (await timeProduct(node, threads));
    operations += count * operationsOf(node);
  }
  return { seconds, products: products.length, operations };
}

function operationsOf({ operation, attributes, inputs: [a], output }: Node): number {
  const { transposeA } = attributes as Attributes['gemm'];
  const { rowsFirstA } = attributes as MatmulAttributes;
  const inner = transposeA
    ? operation === 'matmul' && rowsFirstA
      ? 0
      : a.shape.length - 2
    : a.shape.length - 1;
  return 2 * sizeOf(output.shape) * a.shape[inner];
}

async function timeProduct(
  { operation, attributes, inputs, output }: Node,
  threads: number,
): Promise<number> {
  const graph = new Graph();
  const bind = (shape: Shape, name: string): { input: Tensor; values: Float32Array } => ({
    input: graph.input(name, shape, 'float32'),
    values: Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7919) % 1009) / 1009 - 0.5),
  });
  const operands = inputs.map(({ shape }, at) => bind(shape, `x${at}`));
  const result = bind(output.shape, 'y');
  const product = graph.apply(
    operation,
    operands.map(({ input }) => input),
    attributes,
  );
  const program = await onnxEngine.compile(
    {
      graph,
      outputs: {},
      bindings: [...operands, { ...result, update: product }].map(({ input, values, ...rest }) => ({
        input,
        variable: onnxEngine.variable(values, input.shape, 'float32'),
        ...rest,
      })),
    },
    { threads },
  );
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const started = performance.now();
    await program.run({});
    times.push((performance.now() - started) / 1000);
  }
  await program.dispose();
  return times.toSorted((a, b) => a - b)[Math.floor(REPEATS / 2)];
}
