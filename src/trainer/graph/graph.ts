/**
 * A tensor graph under construction: nodes in topological order, each made by `apply`, which infers its shape.
 *
 * Equal expressions of equal tensors are one node: derivatives repeat much of the forward pass. Expressions of constants are
 * constants (folding.ts). Nothing is ever removed; engines
 * run only the nodes that the wanted outputs depend on (`live`), so rules of differentiation may emit gradients that nobody
 * asks for.
 */
import { TokenmillError } from '../../core/errors.js';
import { fold } from './folding.js';
import { OPERATIONS } from './operations.js';
import type {
  Attributes,
  DType,
  GradientRule,
  GraphBuilder,
  Node,
  Operation,
  OperationName,
  Shape,
  Tensor,
} from './tensor.js';

interface OwnGradient {
  readonly inputs: readonly Tensor[];
  readonly rule: GradientRule;
}

export class Graph implements GraphBuilder {
  readonly nodes: Node[] = [];
  private readonly inputs = new Map<string, Tensor>();
  private readonly known = new Map<string, Tensor>();
  private readonly ownGradients = new Map<number, OwnGradient>();

  /** A tensor that is given at every run. @throws TokenmillError GRAPH_INVALID where the name is taken */
  input(name: string, shape: Shape, dtype: DType): Tensor {
    if (this.inputs.has(name)) {
      throw new TokenmillError('GRAPH_INVALID', `the graph has an input ${name} already`);
    }
    const tensor = this.apply('input', [], { name, shape, dtype });
    this.inputs.set(name, tensor);
    return tensor;
  }

  /** @throws TokenmillError GRAPH_INVALID naming operation and shapes */
  apply<Name extends OperationName>(
    operation: Name,
    inputs: readonly Tensor[],
    attributes: Attributes[Name],
  ): Tensor {
    if (inputs.some((input) => input.graph !== this)) {
      throw new TokenmillError('GRAPH_INVALID', `${operation}: an input belongs to another graph`);
    }
    const key = expressionKey(operation, inputs, attributes);
    const known = key === undefined ? undefined : this.known.get(key);
    if (known !== undefined) return known;
    const definition: Operation<Name> = OPERATIONS[operation];
    const { shape, dtype } = definition.infer(inputs, attributes);
    const folded = fold(
      operation,
      inputs.map((input) => this.nodeOf(input)),
      { shape, dtype },
    );
    let output: Tensor;
    if (folded === undefined) {
      output = { id: this.nodes.length, shape, dtype, graph: this };
      this.nodes.push({ operation, inputs, attributes, output });
    } else if ('value' in folded) output = this.apply('fill', [], { value: folded.value, shape, dtype });
    else output = this.apply('constant', [], { data: folded.data, shape, dtype });
    if (key !== undefined) this.known.set(key, output);
    return output;
  }

  nodeOf(tensor: Tensor): Node {
    return this.nodes[tensor.id];
  }

  setGradient(output: Tensor, inputs: readonly Tensor[], rule: GradientRule): void {
    this.ownGradients.set(output.id, { inputs, rule });
  }

  ownGradientOf(tensor: Tensor): OwnGradient | undefined {
    return this.ownGradients.get(tensor.id);
  }

  /** The nodes that `outputs` depend on, in topological order, without those before the one with id `begin`. */
  live(outputs: readonly Tensor[], begin = 0): Node[] {
    const needed = new Uint8Array(this.nodes.length);
    for (const output of outputs) needed[output.id] = 1;
    for (let id = this.nodes.length - 1; id >= begin; id--) {
      if (needed[id] === 1) for (const input of this.nodes[id].inputs) needed[input.id] = 1;
    }
    return this.nodes.filter((_, id) => id >= begin && needed[id] === 1);
  }
}

/**
 * What makes two nodes the same; undefined for those that are never taken for one another: inputs, constants (their data are
 * large), and filled tensors with axes, whose memory the operation that adds to them may take over.
 */
function expressionKey(
  operation: OperationName,
  inputs: readonly Tensor[],
  attributes: Attributes[OperationName],
): string | undefined {
  if (operation === 'input' || operation === 'constant') return undefined;
  if (operation === 'fill' && (attributes as Attributes['fill']).shape.length > 0) return undefined;
  return `${operation} ${inputs.map(({ id }) => id).join()} ${JSON.stringify(attributes, writeNumber)}`;
}

/** JSON has neither infinities nor a negative zero. */
function writeNumber(_key: string, value: unknown): unknown {
  const isPlain = typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0));
  return isPlain ? value : `number ${Object.is(value, -0) ? '-0' : String(value)}`;
}
