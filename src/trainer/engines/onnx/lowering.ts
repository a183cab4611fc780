/**
 * Lowers a graph to ONNX: one rule an operation, most of them a single node of the standard, and the fused kernels of
 * onnxruntime (domain com.microsoft) where they save copies.
 */
import type { Graph } from '../../graph/graph.js';
import { scheduled } from '../../graph/schedule.js';
import type { Attributes, Node, OperationName, Tensor } from '../../graph/tensor.js';
import { Emitter, type Rule, type Rules } from './emitter.js';
import { encodeModel, type OnnxConstant, type OnnxTensor } from './model.js';
import { RULES } from './rules.js';
import { WEBGPU_RULES } from './webgpu-rules.js';

export interface LoweredModel {
  readonly bytes: Uint8Array;
  /** The graph's inputs that the outputs depend on, by name. */
  readonly inputs: ReadonlyMap<string, Tensor>;
}

export interface LoweringOptions {
  /** The provider whose kernels decide how an operation is expressed. Default: cpu */
  readonly provider?: 'cpu' | 'webgpu';
  /** Name of one more output, the first: a sequence of a constant. */
  readonly sequence?: string;
}

/** Serializes the part of the graph that `outputs` (by name) depend on. */
export function lower(
  graph: Graph,
  outputs: Readonly<Record<string, Tensor>>,
  { provider = 'cpu', sequence }: LoweringOptions = {},
): LoweredModel {
  const emitter = new Emitter();
  const rules: Rules = provider === 'cpu' ? RULES : { ...RULES, ...WEBGPU_RULES };
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
  for (const node of live) lowerNode(rules, emitter, node);
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

function lowerNode<Name extends OperationName>(rules: Rules, emitter: Emitter, node: Node<Name>): void {
  const rule: Rule<Name> = rules[node.operation];
  const inputs = node.inputs.map((input) => emitter.name(input));
  rule({ emitter, node, inputs, output: emitter.name(node.output) });
}
