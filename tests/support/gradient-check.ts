/**
 * Checks of a function of tensors: its derivatives against central differences, and the engine against the interpreter.
 * All in float64 unless asked otherwise, so that the difference quotients are good to about 1e-9.
 */
import { Random } from '../../src/core/random.js';
import { onnxEngine } from '../../src/trainer/engines/onnx/onnx-engine.js';
import type { Engine } from '../../src/trainer/engines/engine.js';
import { mul, reduceSum } from '../../src/trainer/graph/build.js';
import { gradients } from '../../src/trainer/graph/gradients.js';
import { Graph } from '../../src/trainer/graph/graph.js';
import {
  type DType,
  hostArray,
  sameShape,
  type Shape,
  sizeOf,
  type Tensor,
} from '../../src/trainer/graph/tensor.js';
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

export interface CaseDeviations {
  /** Of the emitted gradients, run by the interpreter, from central differences. */
  readonly derivative: number;
  /** Of output and gradients on the engine from those of the interpreter. */
  readonly engine: number;
}

/** What may remain: of differences of second order, and of rounding on the engine. */
export function tolerances({ dtype = 'float64' }: Case): CaseDeviations {
  return { derivative: 1e-7, engine: dtype === 'float64' ? 1e-13 : 1e-6 };
}

/** Largest deviations of a case; the gradients must have the shapes of their inputs. */
export async function caseDeviations(checked: Case, on: Engine = onnxEngine): Promise<CaseDeviations> {
  const { shapes, build, range: [low, high] = [-1, 1], differentiable, dtype = 'float64' } = checked;
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
  const derivatives = wanted.map((tensor, at) => {
    if (!sameShape(found[at].shape, tensor.shape))
      throw new Error(`gradient of shape [${found[at].shape.join(', ')}]`);
    const name = `x${inputs.indexOf(tensor)}`;
    return deviation(
      exact[at],
      exact[at].map((_, i) => differenceQuotient(graph, loss, values, name, i)),
    );
  });

  const outputs = Object.fromEntries([output, ...found].map((tensor, at) => [`y${at}`, tensor]));
  const program = await on.compile({ graph, outputs, bindings: [] });
  const typeOf = (name: string): DType => (name === 'weights' ? output.dtype : dtype);
  const typed = Object.fromEntries(
    Object.entries(values).map(([name, data]) => [name, hostArray(typeOf(name), data)]),
  );
  const results = await program.run(typed);
  await program.dispose();
  const engine = [y, ...exact].map((expected, at) => deviation(results[`y${at}`], expected));
  return { derivative: Math.max(...derivatives), engine: Math.max(...engine) };
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

/**
 * Largest difference between elements, in units of the largest expected entry, or absolute where none exceeds 1. Not a
 * number where an element is not.
 */
export function deviation(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} elements, expected ${expected.length}`);
  const scale = Array.from(expected).reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  return (
    Array.from(expected).reduce((worst, value, i) => Math.max(worst, Math.abs(actual[i] - value)), 0) / scale
  );
}
