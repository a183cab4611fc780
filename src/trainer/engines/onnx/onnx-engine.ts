/**
 * The engine on onnxruntime-node's CPU provider.
 *
 * A variable is a tensor over host memory that is both feed and fetch of a run, so its update is written in place without
 * a copy. `run` blocks the calling thread for as long as the graph takes.
 */
import { availableParallelism } from 'node:os';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { TokenmillError } from '../../../core/errors.js';
import {
  type DType,
  hostArray,
  type HostArray,
  type Shape,
  sizeOf,
  type Tensor,
} from '../../graph/tensor.js';
import type { CompileOptions, Engine, Executable, ProgramDefinition, Variable } from '../engine.js';
import { lower } from './lowering.js';

class OnnxVariable implements Variable {
  readonly tensor: OrtTensor;
  readonly shape: Shape;
  readonly dtype: DType;
  private readonly values: HostArray;

  constructor(values: HostArray, shape: Shape, dtype: DType) {
    this.values = values;
    this.shape = shape;
    this.dtype = dtype;
    this.tensor = ortTensor(values, shape, dtype);
  }

  read(): HostArray {
    return this.values;
  }
}

function ortTensor(values: HostArray, shape: Shape, dtype: DType): OrtTensor {
  return new OrtTensor(dtype as 'float32', values as Float32Array, shape);
}

function sessionOptions(threads: number, double: boolean): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    // The optimizer puts kernels in place that exist for float32 only, and then cannot run a float64 graph.
    graphOptimizationLevel: double ? 'disabled' : 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // The planner of memory patterns reserves one block for all activations, which is no faster and larger than what the
    // arena needs: a step of 3.3 M parameters peaked at 0.72 GB instead of 0.50, one of 16.9 M at 1.86 instead of 1.23.
    enableMemPattern: false,
    logSeverityLevel: 3,
  };
}

/**
 * onnxruntime-node makes a copy of every output that a run returns, also of those that it has written where it was told,
 * and a step of training returns the whole state. It converts outputs in their order and stops at one that is no tensor,
 * with an error, when the run itself is over. So every output has its place beforehand, and the first one is a sequence.
 */
const SEQUENCE = 'sequence:';
const SEQUENCE_ERROR = 'Non tensor type';

class OnnxExecutable implements Executable {
  private readonly session: InferenceSession;
  private readonly inputs: ReadonlyMap<string, Tensor>;
  private readonly bound: Readonly<Record<string, OrtTensor>>;
  private readonly fetches: Readonly<Record<string, OrtTensor | null>>;
  private readonly outputs: ReadonlyMap<string, HostArray>;

  constructor(
    session: InferenceSession,
    inputs: ReadonlyMap<string, Tensor>,
    bound: Readonly<Record<string, OrtTensor>>,
    fetches: Readonly<Record<string, OrtTensor | null>>,
    outputs: ReadonlyMap<string, HostArray>,
  ) {
    this.session = session;
    this.inputs = inputs;
    this.bound = bound;
    this.fetches = { [SEQUENCE]: null, ...fetches };
    this.outputs = outputs;
  }

  async run(inputs: Readonly<Record<string, HostArray>>): Promise<Record<string, HostArray>> {
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, { shape, dtype }] of this.inputs) {
      feeds[name] = this.bound[name] ?? ortTensor(given(inputs, name, shape), shape, dtype);
    }
    try {
      await this.session.run(feeds, this.fetches);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith(SEQUENCE_ERROR))) {
        throw engineFailed('run', error);
      }
    }
    return Object.fromEntries([...this.outputs].map(([name, values]) => [name, values.slice()]));
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

function given(inputs: Readonly<Record<string, HostArray>>, name: string, shape: Shape): HostArray {
  const values = inputs[name] as HostArray | undefined;
  if (values === undefined) throw new TokenmillError('ENGINE_FAILED', `the input ${name} is missing`);
  if (values.length === sizeOf(shape)) return values;
  throw new TokenmillError(
    'ENGINE_FAILED',
    `the input ${name} has ${values.length} values, the graph wants [${shape.join(', ')}]`,
  );
}

function engineFailed(what: string, error: unknown): TokenmillError {
  const message = error instanceof Error ? error.message : String(error);
  return new TokenmillError('ENGINE_FAILED', `onnxruntime could not ${what} the graph: ${message}`, {
    cause: error,
  });
}

/** Name of the output that holds the new value of an input. No parameter of a model starts like this. */
const UPDATE_PREFIX = 'updated:';

export const onnxEngine: Engine = {
  name: 'onnx',

  variable: (values, shape, dtype) => new OnnxVariable(values, shape, dtype),

  async compile(definition: ProgramDefinition, options: CompileOptions = {}): Promise<Executable> {
    const { graph, outputs, bindings } = definition;
    // Updates first: what they need decides the order, and everything else is taken where it comes up.
    const wanted: Record<string, Tensor> = {};
    const bound: Record<string, OrtTensor> = {};
    const fetches: Record<string, OrtTensor | null> = {};
    const places = new Map<string, HostArray>();
    for (const [name, { shape, dtype }] of Object.entries(outputs)) {
      const place = hostArray(dtype, sizeOf(shape));
      places.set(name, place);
      fetches[name] = ortTensor(place, shape, dtype);
    }
    for (const { input, variable, update } of bindings) {
      const { name } = graph.nodeOf(input).attributes as { readonly name: string };
      const { tensor } = variable as OnnxVariable;
      bound[name] = tensor;
      if (update === undefined) continue;
      wanted[UPDATE_PREFIX + name] = update;
      fetches[UPDATE_PREFIX + name] = tensor;
    }
    const model = lower(graph, { ...wanted, ...outputs }, SEQUENCE);
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(
        model.bytes,
        sessionOptions(
          options.threads ?? availableParallelism(),
          graph.nodes.some(({ output }) => output.dtype === 'float64'),
        ),
      );
    } catch (error) {
      throw engineFailed('load', error);
    }
    return new OnnxExecutable(session, model.inputs, bound, fetches, places);
  },
};
