/**
 * The engine on onnxruntime-node's CPU provider, and on others that take the same graph with its state in host memory.
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
import { given } from '../inputs.js';
import { ortTensor, UPDATE_PREFIX } from './host.js';
import { lower } from './lowering.js';
import { isRefusal, SEQUENCE, type SequenceOutcome, sequenceOutcome } from './unreturned.js';

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

  read(): Promise<HostArray> {
    return Promise.resolve(this.values);
  }
}

type Provider = 'cpu' | 'cuda';

function sessionOptions(
  provider: Provider,
  threads: number,
  double: boolean,
): InferenceSession.SessionOptions {
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
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

class OnnxExecutable implements Executable {
  private readonly session: InferenceSession;
  private readonly inputs: ReadonlyMap<string, Tensor>;
  private readonly bound: Readonly<Record<string, OrtTensor>>;
  private readonly fetches: Readonly<Record<string, OrtTensor | null>>;
  private readonly outputs: ReadonlyMap<string, HostArray>;
  private readonly sequence: SequenceOutcome | undefined;

  constructor(
    session: InferenceSession,
    inputs: ReadonlyMap<string, Tensor>,
    bound: Readonly<Record<string, OrtTensor>>,
    fetches: Readonly<Record<string, OrtTensor | null>>,
    outputs: ReadonlyMap<string, HostArray>,
    sequence: SequenceOutcome | undefined,
  ) {
    this.session = session;
    this.inputs = inputs;
    this.bound = bound;
    this.fetches = sequence === undefined ? fetches : { [SEQUENCE]: null, ...fetches };
    this.outputs = outputs;
    this.sequence = sequence;
  }

  async run(inputs: Readonly<Record<string, HostArray>>): Promise<Record<string, HostArray>> {
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, { shape, dtype }] of this.inputs) {
      feeds[name] = this.bound[name] ?? ortTensor(given(inputs, name, shape), shape, dtype);
    }
    try {
      await this.session.run(feeds, this.fetches);
    } catch (error) {
      if (!isRefusal(error, this.sequence)) throw engineFailed('run', error);
    }
    return Object.fromEntries([...this.outputs].map(([name, values]) => [name, values.slice()]));
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

function engineFailed(what: string, error: unknown): TokenmillError {
  const message = error instanceof Error ? error.message : String(error);
  return new TokenmillError('ENGINE_FAILED', `onnxruntime could not ${what} the graph: ${message}`, {
    cause: error,
  });
}

export const onnxEngine: Engine = onnxEngineOn('cpu');

/** State is copied to another device and back in every run. */
export function onnxEngineOn(provider: Provider): Engine {
  return {
    name: provider === 'cpu' ? 'onnx' : `onnx on ${provider}`,

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
      const sequence = await sequenceOutcome();
      const model = lower(
        graph,
        { ...wanted, ...outputs },
        { sequence: sequence === undefined ? undefined : SEQUENCE },
      );
      let session: InferenceSession;
      try {
        session = await InferenceSession.create(
          model.bytes,
          sessionOptions(
            provider,
            options.threads ?? availableParallelism(),
            graph.nodes.some(({ output }) => output.dtype === 'float64'),
          ),
        );
      } catch (error) {
        throw engineFailed('load', error);
      }
      return new OnnxExecutable(session, model.inputs, bound, fetches, places, sequence);
    },
  };
}
