/**
 * ONNX models as bytes. Field numbers are those of onnx.proto (onnx/onnx, messages ModelProto, GraphProto, NodeProto,
 * AttributeProto, TensorProto, ValueInfoProto).
 */
import type { HostArray, Shape } from '../../graph/tensor.js';
import { ProtobufWriter } from './protobuf.js';

/** TensorProto.DataType */
export const ONNX_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;
export type OnnxType = keyof typeof ONNX_TYPE;

export interface OnnxTensor {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: Shape;
}

export interface OnnxConstant extends OnnxTensor {
  readonly data: HostArray | BigInt64Array;
}

export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string }
  | { readonly tensor: OnnxConstant };

export interface OnnxNode {
  readonly type: string;
  readonly domain: '' | 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxTensor[];
  readonly outputs: readonly OnnxTensor[];
  /** Outputs that are sequences of tensors: name and type of the elements. They come before the others. */
  readonly sequences: readonly Omit<OnnxTensor, 'shape'>[];
}

const IR_VERSION = 10;
const OPSET = 21;
const MICROSOFT_OPSET = 1;
/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, ints: 7 } as const;

/** Serializes a ModelProto. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const writer = new ProtobufWriter();
  writer.integer(1, IR_VERSION);
  writer.string(2, 'tokenmill');
  writer.message(7, (inner) => writeGraph(inner, graph));
  for (const [domain, version] of [
    ['', OPSET],
    ['com.microsoft', MICROSOFT_OPSET],
  ] as const) {
    writer.message(8, (inner) => {
      inner.string(1, domain);
      inner.integer(2, version);
    });
  }
  return writer.finish();
}

function writeGraph(writer: ProtobufWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) writer.message(1, (inner) => writeNode(inner, node));
  writer.string(2, 'graph');
  for (const tensor of graph.constants) writer.message(5, (inner) => writeConstant(inner, tensor));
  for (const tensor of graph.inputs) writer.message(11, (inner) => writeValueInfo(inner, tensor));
  for (const { name, type } of graph.sequences) {
    writer.message(12, (inner) => {
      inner.string(1, name);
      inner.message(2, (outer) => {
        outer.message(4, (sequence) => {
          sequence.message(1, (element) => {
            element.message(1, (tensor) => tensor.integer(1, ONNX_TYPE[type]));
          });
        });
      });
    });
  }
  for (const tensor of graph.outputs) writer.message(12, (inner) => writeValueInfo(inner, tensor));
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  for (const name of node.inputs) writer.string(1, name);
  for (const name of node.outputs) writer.string(2, name);
  writer.string(3, node.outputs[0]);
  writer.string(4, node.type);
  for (const [name, value] of Object.entries(node.attributes)) {
    writer.message(5, (inner) => writeAttribute(inner, name, value));
  }
  if (node.domain !== '') writer.string(7, node.domain);
}

function writeAttribute(writer: ProtobufWriter, name: string, value: OnnxAttribute): void {
  writer.string(1, name);
  if ('float' in value) {
    writer.float(2, value.float);
    writer.integer(20, ATTRIBUTE_TYPE.float);
  } else if ('int' in value) {
    writer.integer(3, value.int);
    writer.integer(20, ATTRIBUTE_TYPE.int);
  } else if ('string' in value) {
    writer.string(4, value.string);
    writer.integer(20, ATTRIBUTE_TYPE.string);
  } else if ('tensor' in value) {
    writer.message(5, (inner) => writeConstant(inner, value.tensor));
    writer.integer(20, ATTRIBUTE_TYPE.tensor);
  } else {
    for (const entry of value.ints) writer.integer(8, entry);
    writer.integer(20, ATTRIBUTE_TYPE.ints);
  }
}

/** Values are raw little-endian bytes: typed arrays are little-endian on every platform that Node supports but s390x. */
function writeConstant(writer: ProtobufWriter, tensor: OnnxConstant): void {
  for (const extent of tensor.shape) writer.integer(1, extent);
  writer.integer(2, ONNX_TYPE[tensor.type]);
  if (tensor.name !== '') writer.string(8, tensor.name);
  const { buffer, byteOffset, byteLength } = tensor.data;
  writer.data(9, new Uint8Array(buffer, byteOffset, byteLength));
}

function writeValueInfo(writer: ProtobufWriter, tensor: OnnxTensor): void {
  writer.string(1, tensor.name);
  writer.message(2, (type) => {
    type.message(1, (tensorType) => {
      tensorType.integer(1, ONNX_TYPE[tensor.type]);
      tensorType.message(2, (shape) => {
        for (const extent of tensor.shape) shape.message(1, (dimension) => dimension.integer(1, extent));
      });
    });
  });
}
