/**
 * Nodes and constants of an ONNX graph under construction, and what a rule that adds to them is.
 *
 * Names: an input keeps its own, every other tensor is `%<id>`, and helpers of a rule are `%<id>.<n>`, so they cannot meet.
 */
import {
  type DType,
  hostArray,
  type Node,
  type OperationName,
  type Shape,
  type Tensor,
} from '../../graph/tensor.js';
import type { OnnxAttribute, OnnxConstant, OnnxNode } from './model.js';

export type NodeAttributes = Readonly<Record<string, OnnxAttribute>>;

export class Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxConstant[] = [];
  readonly names = new Map<number, string>();
  private readonly shared = new Set<string>();

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
    const data = BigInt64Array.from(values, BigInt);
    return this.share({ name: `%[${values.join()}]`, type: 'int64', shape: [values.length], data });
  }

  /** A constant that several rules may want: those of equal names are equal. */
  share(constant: OnnxConstant): string {
    if (!this.shared.has(constant.name)) this.constants.push(constant);
    this.shared.add(constant.name);
    return constant.name;
  }

  /** A tensor with all values equal, that is made when the graph runs. */
  filled(value: number, shape: Shape, dtype: DType, output: string): string {
    const tensor: OnnxConstant = { name: '', type: dtype, shape: [1], data: hostArray(dtype, [value]) };
    return this.emit('ConstantOfShape', [this.vector(shape)], output, { value: { tensor } });
  }
}

export const flag = (value: boolean): OnnxAttribute => ({ int: value ? 1 : 0 });

/** What a rule lowers: names of the node's inputs and output beside the node itself. */
export interface Site<Name extends OperationName> {
  readonly emitter: Emitter;
  readonly node: Node<Name>;
  readonly inputs: readonly string[];
  readonly output: string;
}

export type Rule<Name extends OperationName> = (site: Site<Name>) => void;

export type Rules = { readonly [Name in OperationName]: Rule<Name> };
