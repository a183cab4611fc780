/**
 * The engine on TensorFlow.js: interprets a graph one operation after the other, in the order of its schedule.
 *
 * A variable is a tensor in the memory of the library's backend, and a run puts a new one in its place. Whatever else a run
 * makes is freed as soon as nothing is left to read it, at the latest when the run ends or fails: the library counts
 * references and collects nothing by itself.
 */
import { TokenmillError } from '../../../core/errors.js';
import type { Graph } from '../../graph/graph.js';
import { scheduled } from '../../graph/schedule.js';
import {
  type Attributes,
  type DType,
  hostArray,
  type HostArray,
  type Node,
  type Shape,
  type Tensor,
} from '../../graph/tensor.js';
import type { Engine, Executable, ProgramDefinition, Variable } from '../engine.js';
import { given } from '../inputs.js';
import { evaluate, type TensorFlow, typeOf, type Value } from './kernels.js';

class TensorflowVariable implements Variable {
  readonly shape: Shape;
  readonly dtype: DType;
  private value: Value;

  constructor(value: Value, shape: Shape, dtype: DType) {
    this.value = value;
    this.shape = shape;
    this.dtype = dtype;
  }

  get current(): Value {
    return this.value;
  }

  replace(value: Value): void {
    this.value.dispose();
    this.value = value;
  }

  async read(): Promise<HostArray> {
    return download(this.value, this.dtype);
  }
}

/** A node to run, and the tensors that nothing reads after it. */
interface Step {
  readonly node: Node;
  readonly last: readonly number[];
}

/** @param kept ids that are read when everything has run */
function planSteps(nodes: readonly Node[], kept: ReadonlySet<number>): Step[] {
  const seen = new Set(kept);
  const steps: Step[] = [];
  for (const node of nodes.toReversed()) {
    const ids = [node.output, ...node.inputs].map(({ id }) => id);
    const last = [...new Set(ids)].filter((id) => !seen.has(id));
    for (const id of last) seen.add(id);
    steps.push({ node, last });
  }
  return steps.toReversed();
}

class TensorflowExecutable implements Executable {
  private readonly tf: TensorFlow;
  private readonly definition: ProgramDefinition;
  private readonly variables: ReadonlyMap<number, TensorflowVariable>;
  private readonly constants: ReadonlyMap<number, Value>;
  private readonly steps: readonly Step[];

  constructor(tf: TensorFlow, definition: ProgramDefinition) {
    const { graph, outputs, bindings } = definition;
    const updates = bindings.flatMap(({ update }) => update ?? []);
    const wanted = [...updates, ...Object.values(outputs)];
    const nodes = scheduled(graph, wanted);
    this.tf = tf;
    this.definition = definition;
    this.variables = new Map(
      bindings.map(({ input, variable }) => [input.id, variable as TensorflowVariable]),
    );
    this.constants = constantsOf(tf, nodes);
    this.steps = planSteps(nodes, new Set(wanted.map(({ id }) => id)));
  }

  async run(inputs: Readonly<Record<string, HostArray>>): Promise<Record<string, HostArray>> {
    const { outputs, bindings } = this.definition;
    /** What this run has made and not freed yet, by the id of the tensor. */
    const own = new Map<number, Value>();
    const valueOf = ({ id }: Tensor): Value =>
      own.get(id) ?? this.variables.get(id)?.current ?? (this.constants.get(id) as Value);
    try {
      for (const { node, last } of this.steps) {
        const value = this.compute(node, inputs, valueOf);
        if (value !== undefined) own.set(node.output.id, value);
        for (const id of last) {
          own.get(id)?.dispose();
          own.delete(id);
        }
      }
      const results: [string, HostArray][] = [];
      for (const [name, tensor] of Object.entries(outputs)) {
        results.push([name, await download(valueOf(tensor), tensor.dtype)]);
      }
      // References of their own first: an update may be the value of another variable, or an output.
      const updates = bindings.flatMap(({ variable, update }) =>
        update === undefined
          ? []
          : [{ variable: variable as TensorflowVariable, value: this.tf.clone(valueOf(update)) }],
      );
      for (const { variable, value } of updates) variable.replace(value);
      return Object.fromEntries(results);
    } catch (error) {
      if (error instanceof TokenmillError) throw error;
      throw failed('run', error);
    } finally {
      for (const value of own.values()) value.dispose();
    }
  }

  /** Undefined where the value lives longer than the run. */
  private compute(
    node: Node,
    inputs: Readonly<Record<string, HostArray>>,
    valueOf: (tensor: Tensor) => Value,
  ): Value | undefined {
    const { id, shape, dtype } = node.output;
    if (this.constants.has(id) || this.variables.has(id)) return undefined;
    if (node.operation !== 'input') return evaluate(this.tf, node, node.inputs.map(valueOf));
    const { name } = node.attributes as Attributes['input'];
    return tensorOf(this.tf, given(inputs, name, shape), shape, dtype);
  }

  dispose(): Promise<void> {
    for (const value of this.constants.values()) value.dispose();
    return Promise.resolve();
  }
}

function constantsOf(tf: TensorFlow, nodes: readonly Node[]): Map<number, Value> {
  return new Map(
    nodes.flatMap(({ operation, attributes, output }) => {
      if (operation !== 'constant') return [];
      const { data, shape, dtype } = attributes as Attributes['constant'];
      return [[output.id, tensorOf(tf, data, shape, dtype)]];
    }),
  );
}

function tensorOf(tf: TensorFlow, values: HostArray, shape: Shape, dtype: DType): Value {
  return tf.tensor(values as Float32Array, [...shape], typeOf(dtype));
}

/** A copy: the CPU backend gives the array it works in, which after a cast may be one of another type. */
async function download(value: Value, dtype: DType): Promise<HostArray> {
  return hostArray(dtype, await value.data());
}

function failed(what: string, error: unknown): TokenmillError {
  const message = error instanceof Error ? error.message : String(error);
  return new TokenmillError('ENGINE_FAILED', `TensorFlow.js could not ${what} the graph: ${message}`, {
    cause: error,
  });
}

function checkTypes(graph: Graph): void {
  const missing = (['float64', 'float16'] as const).find((type) =>
    graph.nodes.some(({ output }) => output.dtype === type),
  );
  if (missing === undefined) return;
  throw new TokenmillError('ENGINE_FAILED', `TensorFlow.js has no ${missing}, which the graph uses`);
}

export function tensorflowEngine(tf: TensorFlow): Engine {
  return {
    name: 'tensorflow',

    variable: (values, shape, dtype) =>
      new TensorflowVariable(tensorOf(tf, values, shape, dtype), shape, dtype),

    async compile(definition: ProgramDefinition): Promise<Executable> {
      checkTypes(definition.graph);
      return new TensorflowExecutable(tf, definition);
    },
  };
}
