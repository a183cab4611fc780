/**
 * The vocabulary of tensor graphs: tensors, the attributes of every operation, nodes, and what an operation is.
 *
 * Invariants: shapes are static; a node has exactly one output, whose tensor has the node's own id, and ids grow in
 * topological order, so walking them upwards is a forward pass and downwards a backward pass.
 */
import { TokenmillError } from '../../core/errors.js';

/** Values of float16 never are on the host: casts make them and take them back. */
export type DType = 'float32' | 'float64' | 'float16' | 'int32' | 'bool';
export type Shape = readonly number[];

/** Values of a tensor on the host. `bool` is one byte a value, 0 or 1. */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint8Array;

export interface Tensor {
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly graph: GraphBuilder;
}

type None = Readonly<Record<string, never>>;

export interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** The operand is [rows, ...batch, columns] instead of [...batch, rows, columns]; applied before the transpose. */
  readonly rowsFirstA: boolean;
  readonly rowsFirstB: boolean;
  /** Factor of the product. */
  readonly alpha: number;
}

export interface SelectionAttributes {
  /** Which part of the rows is chosen, as far as it is known beforehand; for estimates of work alone. */
  readonly share: number;
}

/** Every operation with its attributes. */
export interface Attributes {
  // sources
  input: { readonly name: string; readonly shape: Shape; readonly dtype: DType };
  constant: { readonly data: HostArray; readonly shape: Shape; readonly dtype: DType };
  fill: { readonly value: number; readonly shape: Shape; readonly dtype: DType };
  // elementwise
  add: None;
  sub: None;
  mul: None;
  div: None;
  less: None;
  where: None;
  neg: None;
  exp: None;
  log: None;
  sqrt: None;
  tanh: None;
  sigmoid: None;
  erf: None;
  cast: { readonly dtype: DType };
  // reductions
  reduceSum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  reduceMax: { readonly axes: readonly number[]; readonly keepDims: boolean };
  reduceSumSquare: { readonly axes: readonly number[]; readonly keepDims: boolean };
  softmax: None;
  topK: { readonly count: number };
  // shape
  reshape: { readonly shape: Shape };
  transpose: { readonly permutation: readonly number[] };
  broadcastTo: { readonly shape: Shape };
  concat: { readonly axis: number };
  slice: { readonly axis: number; readonly start: number; readonly end: number };
  // linear
  gemm: { readonly transposeA: boolean; readonly transposeB: boolean; readonly alpha: number };
  matmul: MatmulAttributes;
  // rows by index
  gatherRows: None;
  scatterAddRows: None;
  setRows: None;
  selectRows: SelectionAttributes;
  addSelectedRows: SelectionAttributes;
  pickColumns: None;
  addToColumns: None;
  rotary: {
    readonly heads: number;
    /** Whether pairs are neighbours (2i, 2i + 1); otherwise i goes with i + half of the rotated width. */
    readonly interleaved: boolean;
  };
}

export type OperationName = keyof Attributes;

export interface Node<Name extends OperationName = OperationName> {
  readonly operation: Name;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes[Name];
  readonly output: Tensor;
}

/** Gradients with respect to the inputs, in their order; undefined where an input has none (an index, a condition). */
export type GradientRule = (outputGradient: Tensor) => readonly (Tensor | undefined)[];

export interface Operation<Name extends OperationName> {
  /** Shape and type of the output. @throws TokenmillError GRAPH_INVALID */
  infer(
    inputs: readonly Tensor[],
    attributes: Attributes[Name],
  ): { readonly shape: Shape; readonly dtype: DType };
  /** Emits the gradient as graph again. null: the operation has no derivative (sources, comparisons). */
  readonly gradient: ((node: Node<Name>, outputGradient: Tensor) => readonly (Tensor | undefined)[]) | null;
}

/** The part of a Graph that operations and expressions use. */
export interface GraphBuilder {
  apply<Name extends OperationName>(
    operation: Name,
    inputs: readonly Tensor[],
    attributes: Attributes[Name],
  ): Tensor;
  /** The node that made a tensor. */
  nodeOf(tensor: Tensor): Node;
  /**
   * Gives `output` a derivative of its own with respect to `inputs`, in place of the chain rule through the nodes
   * between them: for functions whose derivative is cheaper or more exact than that of their parts.
   */
  setGradient(output: Tensor, inputs: readonly Tensor[], rule: GradientRule): void;
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

const HOST_TYPES = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array };

/** The array type that holds values of a type on the host. @throws TokenmillError GRAPH_INVALID for float16 */
export function hostArray(dtype: DType, values: number | ArrayLike<number>): HostArray {
  if (dtype === 'float16') throw new TokenmillError('GRAPH_INVALID', 'values of float16 are not on the host');
  const Type = HOST_TYPES[dtype];
  return typeof values === 'number' ? new Type(values) : Type.from(values);
}
