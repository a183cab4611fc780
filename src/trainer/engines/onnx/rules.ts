/** How operations are expressed for onnxruntime's CPU provider; other providers have the same rules but for a few. */
import { hostArray, type OperationName, sizeOf } from '../../graph/tensor.js';
import { flag, type NodeAttributes, type Rule, type Rules, type Site } from './emitter.js';
import { ONNX_TYPE } from './model.js';

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
  const column = emitter.emit('Reshape', [index, emitter.vector([rows, 1])], `${output}.1`);
  const zeros = emitter.filled(0, [rows, shape[0]], dtype, `${output}.2`);
  const ones = emitter.filled(1, [rows, 1], dtype, `${output}.3`);
  const oneHot = emitter.emit('ScatterElements', [zeros, column, ones], `${output}.4`, { axis: { int: 1 } });
  emitter.emit('Gemm', [oneHot, updates, base], output, { transA: flag(true) });
}

export const RULES: Rules = {
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
    emitter.filled(value, shape, dtype, output);
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
    const zeros = emitter.filled(0, shape, dtype, `${output}.3`);
    const ones = emitter.filled(1, [...shape.slice(0, -1), count], dtype, `${output}.4`);
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
  selectRows({ emitter, inputs: [x, chosen], output }) {
    const places = emitter.emit('NonZero', [chosen], `${output}.1`);
    const index = emitter.emit('Squeeze', [places, emitter.vector([0])], `${output}.2`);
    emitter.emit('Gather', [x, index], output, { axis: { int: 0 } });
  },
  /** Every row occurs once at most, so that the kernel of ScatterND, which works in place, may add. */
  addSelectedRows({ emitter, inputs: [base, chosen, rows], output }) {
    const places = emitter.emit('NonZero', [chosen], `${output}.1`);
    const index = emitter.emit('Transpose', [places], `${output}.2`, { perm: { ints: [1, 0] } });
    emitter.emit('ScatterND', [base, index, rows], output, { reduction: { string: 'add' } });
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
    // In this order: WebGPU has no kernel that reshapes int64.
    const column = emitter.emit('Reshape', [positions, emitter.vector([rows, 1])], `${output}.2`);
    const places = emitter.emit('Cast', [column], `${output}.3`, { to: { int: ONNX_TYPE.int64 } });
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
