/**
 * Lowers a graph to ONNX: one rule an operation, most of them a single node of the standard, and the fused kernels of
 * onnxruntime (domain com.microsoft) where they save copies: FusedMatMul and RotaryEmbedding.
 *
 * Names: an input keeps its own, every other tensor is `%<id>`, and helpers of a rule are `%<id>.<n>`, so they cannot meet.
 */
import type { Graph } from '../../graph/graph.js';
import { scheduled } from '../../graph/schedule.js';
import {
  type Attributes,
  type Node,
  type OperationName,
  type Shape,
  sizeOf,
  type Tensor,
  hostArray,
} from '../../graph/tensor.js';
import {
  encodeModel,
  type OnnxAttribute,
  type OnnxConstant,
  type OnnxNode,
  type OnnxTensor,
  ONNX_TYPE,
} from './model.js';

export interface LoweredModel {
  readonly bytes: Uint8Array;
  /** The graph's inputs that the outputs depend on, by name. */
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/**
 * Serializes the part of the graph that `outputs` (by name) depend on.
 * @param sequence name of one more output, the first: a sequence of a constant
 */
export function lower(
  graph: Graph,
  outputs: Readonly<Record<string, Tensor>>,
  sequence?: string,
): LoweredModel {
  const emitter = new Emitter();
  const inputs = new Map<string, Tensor>();
  const live = scheduled(graph, Object.values(outputs));
  for (const { operation, attributes, output } of live) {
    if (operation === 'input') inputs.set((attributes as Attributes['input']).name, output);
  }
  for (const [name, tensor] of inputs) emitter.names.set(tensor.id, name);
  const copies: [string, Tensor][] = [];
  for (const [name, tensor] of Object.entries(outputs)) {
    if (emitter.names.has(tensor.id)) copies.push([name, tensor]);
    else emitter.names.set(tensor.id, name);
  }
  for (const node of live) lowerNode(emitter, node);
  for (const [name, tensor] of copies) emitter.emit('Identity', [emitter.name(tensor)], name);
  if (sequence !== undefined) {
    const one: OnnxConstant = { name: '%one', type: 'float32', shape: [1], data: Float32Array.of(1) };
    emitter.constants.push(one);
    emitter.emit('SequenceConstruct', [one.name], sequence);
  }
  const declare = (named: Iterable<[string, Tensor]>): OnnxTensor[] =>
    [...named].map(([name, { dtype, shape }]) => ({ name, type: dtype, shape }));
  const { constants } = emitter;
  return {
    bytes: encodeModel({
      // onnxruntime runs a graph depth-first from its outputs and, where it has a choice, what stands last in the file
      // first. Backwards, the file therefore makes it run the nodes in the order of the schedule.
      nodes: emitter.nodes.toReversed(),
      constants,
      inputs: declare(inputs),
      outputs: declare(Object.entries(outputs)),
      sequences: sequence === undefined ? [] : [{ name: sequence, type: 'float32' }],
    }),
    inputs,
  };
}

type NodeAttributes = Readonly<Record<string, OnnxAttribute>>;

class Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxConstant[] = [];
  readonly names = new Map<number, string>();
  private readonly vectors = new Set<string>();

  name(tensor: Tensor): string {
    return this.names.get(tensor.id) ?? `%${tensor.id}`;
  }

  emit(type: string, inputs: readonly string[], output: string, attributes: NodeAttributes = {}): string {
    this.emitAll(type, inputs, [output], attributes);
    return output;
  }

  emitAll(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: NodeAttributes,
  ): void {
    this.nodes.push({ type, domain: '', inputs, outputs, attributes });
  }

  emitFused(type: string, inputs: readonly string[], output: string, attributes: NodeAttributes): string {
    this.nodes.push({ type, domain: 'com.microsoft', inputs, outputs: [output], attributes });
    return output;
  }

  /** The name of an int64 vector: shapes, axes and bounds, which repeat a lot. */
  vector(values: readonly number[]): string {
    const name = `%[${values.join()}]`;
    if (!this.vectors.has(name)) {
      this.vectors.add(name);
      this.constants.push({
        name,
        type: 'int64',
        shape: [values.length],
        data: BigInt64Array.from(values, BigInt),
      });
    }
    return name;
  }
}

/** What a rule lowers: names of the node's inputs and output beside the node itself. */
interface Site<Name extends OperationName> {
  readonly emitter: Emitter;
  readonly node: Node<Name>;
  readonly inputs: readonly string[];
  readonly output: string;
}

type Rule<Name extends OperationName> = (site: Site<Name>) => void;

function lowerNode<Name extends OperationName>(emitter: Emitter, node: Node<Name>): void {
  const rule: Rule<Name> = RULES[node.operation];
  const inputs = node.inputs.map((input) => emitter.name(input));
  rule({ emitter, node, inputs, output: emitter.name(node.output) });
}

/** The operation is one of the standard without attributes. */
function simple(type: string): Rule<OperationName> {
  return ({ emitter, inputs, output }) => {
    emitter.emit(type, inputs, output);
  };
}

function reduction(type: string): Rule<'reduceSum' | 'reduceMax' | 'reduceSumSquare'> {
  return ({ emitter, node: { attributes }, inputs, output }) => {
    const keepdims = { int: attributes.keepDims ? 1 : 0 };
    emitter.emit(type, [inputs[0], emitter.vector(attributes.axes)], output, { keepdims });
  };
}

/**
 * ScatterElements and not ScatterND: the latter's CPU kernel adds from several threads at once and loses updates where
 * an index repeats.
 */
function scatter(reductionOf: NodeAttributes): Rule<'scatterAddRows' | 'setRows'> {
  return ({ emitter, node, inputs: [base, index, updates], output }) => {
    const { shape } = node.inputs[2];
    const column = emitter.emit('Reshape', [index, emitter.vector([shape[0], 1])], `${output}.1`);
    const whole = emitter.emit('Expand', [column, emitter.vector(shape)], `${output}.2`);
    emitter.emit('ScatterElements', [base, whole, updates], output, { axis: { int: 0 }, ...reductionOf });
  };
}

/**
 * Up to so many rows a product with a one-hot matrix is faster than the kernel of ScatterElements, which works on one
 * element at a time.
 */
const MAX_ONE_HOT = 512;

/** base + H^T updates, where row i of H has a 1 in the column of index i. */
function addByProduct({
  emitter,
  node,
  inputs: [base, index, updates],
  output,
}: Site<'scatterAddRows'>): void {
  const { shape, dtype } = node.output;
  const rows = node.inputs[1].shape[0];
  const filled = (value: number, extents: Shape, name: string): string => {
    const tensor: OnnxConstant = { name: '', type: dtype, shape: [1], data: hostArray(dtype, [value]) };
    return emitter.emit('ConstantOfShape', [emitter.vector(extents)], name, { value: { tensor } });
  };
  const column = emitter.emit('Reshape', [index, emitter.vector([rows, 1])], `${output}.1`);
  const zeros = filled(0, [rows, shape[0]], `${output}.2`);
  const ones = filled(1, [rows, 1], `${output}.3`);
  const oneHot = emitter.emit('ScatterElements', [zeros, column, ones], `${output}.4`, { axis: { int: 1 } });
  emitter.emit('Gemm', [oneHot, updates, base], output, { transA: flag(true) });
}

const flag = (value: boolean): OnnxAttribute => ({ int: value ? 1 : 0 });

const RULES: { readonly [Name in OperationName]: Rule<Name> } = {
  input: () => {},
  constant({ emitter, node: { attributes }, output }) {
    const { data, shape, dtype } = attributes;
    emitter.constants.push({ name: output, type: dtype, shape, data });
  },
  fill({ emitter, node: { attributes }, output }) {
    const { value, shape, dtype } = attributes;
    if (sizeOf(shape) === 1) {
      emitter.constants.push({ name: output, type: dtype, shape, data: hostArray(dtype, [value]) });
      return;
    }
    const tensor: OnnxConstant = { name: '', type: dtype, shape: [1], data: hostArray(dtype, [value]) };
    emitter.emit('ConstantOfShape', [emitter.vector(shape)], output, { value: { tensor } });
  },
  add: simple('Add'),
  sub: simple('Sub'),
  mul: simple('Mul'),
  div: simple('Div'),
  less: simple('Less'),
  where: simple('Where'),
  neg: simple('Neg'),
  exp: simple('Exp'),
  log: simple('Log'),
  sqrt: simple('Sqrt'),
  tanh: simple('Tanh'),
  sigmoid: simple('Sigmoid'),
  erf: simple('Erf'),
  cast({ emitter, node: { attributes }, inputs, output }) {
    emitter.emit('Cast', inputs, output, { to: { int: ONNX_TYPE[attributes.dtype] } });
  },
  reduceSum: reduction('ReduceSum'),
  reduceMax: reduction('ReduceMax'),
  reduceSumSquare: reduction('ReduceSumSquare'),
  softmax({ emitter, inputs, output }) {
    emitter.emit('Softmax', inputs, output, { axis: { int: -1 } });
  },
  topK({ emitter, node, inputs, output }) {
    const { shape, dtype } = node.inputs[0];
    const { count } = node.attributes;
    const chosen = `${output}.1`;
    emitter.emitAll('TopK', [inputs[0], emitter.vector([count])], [`${output}.2`, chosen], {});
    const one: OnnxConstant = { name: '', type: dtype, shape: [1], data: hostArray(dtype, [1]) };
    const zero: OnnxConstant = { ...one, data: hostArray(dtype, [0]) };
    const filled = (name: string, extents: Shape, tensor: OnnxConstant): string =>
      emitter.emit('ConstantOfShape', [emitter.vector(extents)], name, { value: { tensor } });
    const zeros = filled(`${output}.3`, shape, zero);
    const ones = filled(`${output}.4`, [...shape.slice(0, -1), count], one);
    const marked = emitter.emit('ScatterElements', [zeros, chosen, ones], `${output}.5`, {
      axis: { int: -1 },
    });
    emitter.emit('Cast', [marked], output, { to: { int: ONNX_TYPE.bool } });
  },
  reshape({ emitter, node: { attributes }, inputs, output }) {
    emitter.emit('Reshape', [inputs[0], emitter.vector(attributes.shape)], output);
  },
  transpose({ emitter, node: { attributes }, inputs, output }) {
    emitter.emit('Transpose', inputs, output, { perm: { ints: attributes.permutation } });
  },
  broadcastTo({ emitter, node: { attributes }, inputs, output }) {
    emitter.emit('Expand', [inputs[0], emitter.vector(attributes.shape)], output);
  },
  concat({ emitter, node: { attributes }, inputs, output }) {
    emitter.emit('Concat', inputs, output, { axis: { int: attributes.axis } });
  },
  slice({ emitter, node: { attributes }, inputs, output }) {
    const bounds = [attributes.start, attributes.end, attributes.axis].map((bound) =>
      emitter.vector([bound]),
    );
    emitter.emit('Slice', [inputs[0], ...bounds], output);
  },
  gemm({ emitter, node: { attributes }, inputs, output }) {
    emitter.emit('Gemm', inputs, output, {
      transA: flag(attributes.transposeA),
      transB: flag(attributes.transposeB),
      alpha: { float: attributes.alpha },
    });
  },
  matmul({ emitter, node: { attributes }, inputs, output }) {
    emitter.emitFused('FusedMatMul', inputs, output, {
      transA: flag(attributes.transposeA),
      transB: flag(attributes.transposeB),
      transBatchA: flag(attributes.rowsFirstA),
      transBatchB: flag(attributes.rowsFirstB),
      alpha: { float: attributes.alpha },
    });
  },
  gatherRows({ emitter, inputs, output }) {
    emitter.emit('Gather', inputs, output, { axis: { int: 0 } });
  },
  scatterAddRows(site) {
    if (site.node.output.shape[0] <= MAX_ONE_HOT) addByProduct(site);
    else scatter({ reduction: { string: 'add' } })(site);
  },
  pickColumns({ emitter, node, inputs: [x, index], output }) {
    const rows = node.output.shape[0];
    const column = emitter.emit('Reshape', [index, emitter.vector([rows, 1])], `${output}.1`);
    const picked = emitter.emit('GatherElements', [x, column], `${output}.2`, { axis: { int: 1 } });
    emitter.emit('Reshape', [picked, emitter.vector([rows])], output);
  },
  addToColumns({ emitter, node, inputs: [base, index, values], output }) {
    const rows = emitter.vector([node.output.shape[0], 1]);
    const column = emitter.emit('Reshape', [index, rows], `${output}.1`);
    const updates = emitter.emit('Reshape', [values, rows], `${output}.2`);
    emitter.emit('ScatterElements', [base, column, updates], output, {
      axis: { int: 1 },
      reduction: { string: 'add' },
    });
  },
  setRows: scatter({}),
  /** Rows are the kernel's batch with sequences of length 1: it wants no sequence longer than its tables. */
  rotary({ emitter, node, inputs: [x, positions, cosine, sine], output }) {
    const [rows, width] = node.output.shape;
    const input = emitter.emit('Reshape', [x, emitter.vector([rows, 1, width])], `${output}.1`);
    const position = emitter.emit('Cast', [positions], `${output}.2`, { to: { int: ONNX_TYPE.int64 } });
    const places = emitter.emit('Reshape', [position, emitter.vector([rows, 1])], `${output}.3`);
    const { heads, interleaved } = node.attributes;
    const rotatedWidth = 2 * node.inputs[2].shape[1];
    const partial = rotatedWidth < width / heads;
    const rotated = emitter.emitFused('RotaryEmbedding', [input, places, cosine, sine], `${output}.4`, {
      interleaved: flag(interleaved),
      ...(partial && { num_heads: { int: heads }, rotary_embedding_dim: { int: rotatedWidth } }),
    });
    emitter.emit('Reshape', [rotated, emitter.vector([rows, width])], output);
  },
};
