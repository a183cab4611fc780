/**
 * Checks of a function of tensors: its derivatives against central differences, and the engine against the interpreter.
 * All in float64 unless asked otherwise, so that the difference quotients are good to about 1e-9.
 */
import { expect } from 'vitest';
import { Random } from '../../src/core/random.js';
import { onnxEngine } from '../../src/trainer/engines/onnx/onnx-engine.js';
import { mul, reduceSum } from '../../src/trainer/graph/build.js';
import { gradients } from '../../src/trainer/graph/gradients.js';
import { Graph } from '../../src/trainer/graph/graph.js';
import { type DType, hostArray, type Shape, sizeOf, type Tensor } from '../../src/trainer/graph/tensor.js';
import { interpret } from './graph-interpreter.js';

export interface Case {
  /** Shapes of the floating-point inputs. */
  readonly shapes: readonly Shape[];
  readonly build: (graph: Graph, ...inputs: Tensor[]) => Tensor;
  /** Range of the inputs' values. Default: -1 to 1. */
  readonly range?: readonly [number, number];
  /** Inputs that get a gradient. Default: all. */
  readonly differentiable?: readonly number[];
  readonly dtype?: 'float32' | 'float64';
}

const STEP = 1e-5;

/** Random weights for the elements of an output, so that the scalar that is differentiated depends on each differently. */
function scalarOf(graph: Graph, output: Tensor): Tensor {
  return reduceSum(mul(output, graph.input('weights', output.shape, output.dtype)));
}

export async function checkCase({ shapes, build, range: [low, high] = [-1, 1], differentiable, dtype = 'float64' }: Case): Promise<void> {
  const random = new Random(7);
  const draw = (shape: Shape): Float64Array =>
    Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random.next());
  const graph = new Graph();
  const inputs = shapes.map((shape, at) => graph.input(`x${at}`, shape, dtype));
  const output = build(graph, ...inputs);
  const loss = scalarOf(graph, output);
  const wanted = (differentiable ?? shapes.map((_, at) => at)).map((at) => inputs[at]);
  const found = gradients(graph, loss, wanted);
  const values: Record<string, Float64Array> = { weights: draw(output.shape) };
  for (const [at, shape] of shapes.entries()) values[`x${at}`] = draw(shape);

  const [y, ...exact] = interpret(graph, [output, ...found], values);
  for (const [at, tensor] of wanted.entries()) {
    expect(found[at].shape).toEqual(tensor.shape);
    const name = `x${inputs.indexOf(tensor)}`;
    const numeric = exact[at].map((_, i) => differenceQuotient(graph, loss, values, name, i));
    expectClose(exact[at], numeric, 1e-7, `gradient of ${name}`);
  }

  const outputs = Object.fromEntries([output, ...found].map((tensor, at) => [`y${at}`, tensor]));
  const program = await onnxEngine.compile({ graph, outputs, bindings: [] });
  const typeOf = (name: string): DType => (name === 'weights' ? output.dtype : dtype);
  const typed = Object.fromEntries(
    Object.entries(values).map(([name, data]) => [name, hostArray(typeOf(name), data)]),
  );
  const results = await program.run(typed);
  for (const [at, expected] of [y, ...exact].entries()) {
    expectClose(results[`y${at}`], expected, dtype === 'float64' ? 1e-13 : 1e-6, `engine's output ${at}`);
  }
  await program.dispose();
}

function differenceQuotient(
  graph: Graph,
  loss: Tensor,
  values: Readonly<Record<string, Float64Array>>,
  name: string,
  index: number,
): number {
  const at = (shift: number): number => {
    const moved = values[name].slice();
    moved[index] += shift;
    return interpret(graph, [loss], { ...values, [name]: moved })[0][0];
  };
  return (at(STEP) - at(-STEP)) / (2 * STEP);
}

/** Every element within `tolerance` of the largest expected entry (at least 1). */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  expect(actual.length, what).toBe(expected.length);
  const scale = Array.from(expected).reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  for (let i = 0; i < expected.length; i++) {
    const deviation = Math.abs(actual[i] - expected[i]);
    if (!(deviation <= tolerance * scale)) {
      expect.fail(`${what}, element ${i}: ${actual[i]}, expected ${expected[i]} within ${tolerance * scale}`);
    }
  }
}
