/**
 * Where onnxruntime's WebGPU provider has no kernel for how the CPU provider does an operation: transposes are copied, and
 * elements that an index chooses are found by comparison with all indices.
 */
import type { DType, MatmulAttributes, Shape } from '../../graph/tensor.js';
import { type Emitter, flag, type Rules, type Site } from './emitter.js';
import { ONNX_TYPE } from './model.js';
import { RULES } from './rules.js';

/** [rows, ...batch, columns], or [...batch, rows, columns], as an operand of MatMul. */
function operand(
  emitter: Emitter,
  name: string,
  rank: number,
  { rowsFirst, transpose }: { readonly rowsFirst: boolean; readonly transpose: boolean },
  output: string,
): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const batch = rowsFirst ? axes.slice(1, -1) : axes.slice(0, -2);
  const [row, column] = [rowsFirst ? 0 : rank - 2, rank - 1];
  const perm = [...batch, ...(transpose ? [column, row] : [row, column])];
  if (perm.every((axis, at) => axis === at)) return name;
  return emitter.emit('Transpose', [name], output, { perm: { ints: perm } });
}

/** bool [n, columns]: true in the column that the index [n] of the row says. */
function oneHot(emitter: Emitter, index: string, [rows, columns]: Shape, output: string): string {
  const all = Int32Array.from({ length: columns }, (_, column) => column);
  const name = emitter.share({ name: `%columns.${columns}`, type: 'int32', shape: [1, columns], data: all });
  const column = emitter.emit('Reshape', [index, emitter.vector([rows, 1])], `${output}.a`);
  return emitter.emit('Equal', [column, name], `${output}.b`);
}

/** @param name of the scalar, where its type is not that of constants */
function scalar(emitter: Emitter, value: number, dtype: DType, name: string): string {
  const data = Float32Array.of(value);
  const single = emitter.share({ name: `%scalar.${value}`, type: 'float32', shape: [], data });
  if (dtype === 'float32') return single;
  return emitter.emit('Cast', [single], name, { to: { int: ONNX_TYPE[dtype] } });
}

function indicator(emitter: Emitter, index: string, shape: Shape, output: string): string {
  const chosen = oneHot(emitter, index, shape, output);
  return emitter.emit('Cast', [chosen], `${output}.c`, { to: { int: ONNX_TYPE.float32 } });
}

export const WEBGPU_RULES: Partial<Rules> = {
  matmul({ emitter, node, inputs: [a, b], output }) {
    const { transposeA, transposeB, rowsFirstA, rowsFirstB, alpha } = node.attributes as MatmulAttributes;
    const [left, right] = node.inputs.map(({ shape }) => shape.length);
    const factors = [
      operand(emitter, a, left, { rowsFirst: rowsFirstA, transpose: transposeA }, `${output}.1`),
      operand(emitter, b, right, { rowsFirst: rowsFirstB, transpose: transposeB }, `${output}.2`),
    ];
    if (alpha === 1) emitter.emit('MatMul', factors, output);
    else {
      const factor = scalar(emitter, alpha, node.output.dtype, `${output}.4`);
      emitter.emit('Mul', [emitter.emit('MatMul', factors, `${output}.3`), factor], output);
    }
  },
  /** onnxruntime makes one Split of many slices, for which there is no kernel of bool. */
  slice(site: Site<'slice'>) {
    const { emitter, node, inputs, output } = site;
    if (node.output.dtype !== 'bool') {
      RULES.slice(site);
      return;
    }
    const number = emitter.emit('Cast', inputs, `${output}.1`, { to: { int: ONNX_TYPE.float32 } });
    RULES.slice({ ...site, inputs: [number], output: `${output}.2` });
    emitter.emit('Cast', [`${output}.2`], output, { to: { int: ONNX_TYPE.bool } });
  },
  scatterAddRows({ emitter, node, inputs: [base, index, updates], output }: Site<'scatterAddRows'>) {
    const hot = indicator(emitter, index, [node.inputs[1].shape[0], node.output.shape[0]], output);
    emitter.emit('Gemm', [hot, updates, base], output, { transA: flag(true) });
  },
  selectRows({ emitter, node, inputs: [x, chosen], output }) {
    const column = emitter.emit(
      'Reshape',
      [chosen, emitter.vector([node.output.shape[0], 1])],
      `${output}.1`,
    );
    const zero = scalar(emitter, 0, node.output.dtype, `${output}.2`);
    emitter.emit('Where', [column, x, zero], output);
  },
  addSelectedRows({ emitter, inputs: [base, , rows], output }) {
    emitter.emit('Add', [base, rows], output);
  },
  pickColumns({ emitter, node, inputs: [x, index], output }) {
    const hot = indicator(emitter, index, node.inputs[0].shape, output);
    const chosen = emitter.emit('Mul', [x, hot], `${output}.d`);
    emitter.emit('ReduceSum', [chosen, emitter.vector([1])], output, { keepdims: flag(false) });
  },
  addToColumns({ emitter, node, inputs: [base, index, values], output }) {
    const { shape } = node.output;
    const hot = indicator(emitter, index, shape, output);
    const column = emitter.emit('Reshape', [values, emitter.vector([shape[0], 1])], `${output}.d`);
    const added = emitter.emit('Mul', [hot, column], `${output}.e`);
    emitter.emit('Add', [base, added], output);
  },
};
