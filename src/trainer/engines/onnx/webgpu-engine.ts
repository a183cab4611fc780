/**
 * The engine on onnxruntime-node's WebGPU provider (Vulkan, Metal, Direct3D 12).
 *
 * A variable is a gpu-buffer tensor. A run makes a new one for its update, because WebGPU allows no buffer to be read and
 * written by one dispatch, and disposes of the old one; nothing but inputs goes in and outputs come out.
 */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { TokenmillError } from '../../../core/errors.js';
import type { DType, HostArray, Shape, Tensor } from '../../graph/tensor.js';
import type { Engine, Executable, ProgramDefinition, Variable } from '../engine.js';
import { createWatched, type Fallbacks, type WatchedSession } from './fallbacks.js';
import { given } from '../inputs.js';
import { ortTensor, UPDATE_PREFIX } from './host.js';
import { lower } from './lowering.js';
import { encodeModel } from './model.js';

type Location = 'cpu' | 'gpu-buffer';

const HALF_FAILURE = /requires f16/;
const GPU_FAILURE = /adapter|device|vulkan|dawn/i;

function failed(what: string, error: unknown): TokenmillError {
  const message = error instanceof Error ? error.message : String(error);
  if (HALF_FAILURE.test(message)) {
    return new TokenmillError('DEVICE_MISSING', 'the WebGPU device has no float16 (shader-f16)', {
      hint: 'begin another run without --precision float16',
      cause: error,
    });
  }
  return GPU_FAILURE.test(message)
    ? new TokenmillError('DEVICE_MISSING', `there is no usable WebGPU device: ${message}`, {
        hint: 'install a Vulkan driver and its loader (libvulkan1), or use --device cpu',
        cause: error,
      })
    : new TokenmillError('ENGINE_FAILED', `onnxruntime could not ${what} the graph on WebGPU: ${message}`, {
        cause: error,
      });
}

/** Moves tensors between host and device: an identity whose output lies on the other side. */
class Mover {
  private readonly sessions = new Map<string, Promise<InferenceSession>>();

  async move(tensor: OrtTensor, shape: Shape, dtype: DType, to: Location): Promise<OrtTensor> {
    const key = `${to} ${dtype} ${shape.join()}`;
    let session = this.sessions.get(key);
    if (session === undefined) {
      const declared = { type: dtype, shape } as const;
      const bytes = encodeModel({
        nodes: [{ type: 'Identity', domain: '', inputs: ['x'], outputs: ['y'], attributes: {} }],
        constants: [],
        inputs: [{ name: 'x', ...declared }],
        outputs: [{ name: 'y', ...declared }],
        sequences: [],
      });
      session = InferenceSession.create(bytes, {
        executionProviders: ['webgpu'],
        preferredOutputLocation: to,
        logSeverityLevel: 3,
      });
      this.sessions.set(key, session);
    }
    const { y } = await (await session).run({ x: tensor });
    return y;
  }
}

class WebgpuVariable implements Variable {
  readonly shape: Shape;
  readonly dtype: DType;
  private readonly mover: Mover;
  private tensor: OrtTensor;

  constructor(values: HostArray, shape: Shape, dtype: DType, mover: Mover) {
    this.shape = shape;
    this.dtype = dtype;
    this.mover = mover;
    this.tensor = ortTensor(values, shape, dtype);
  }

  async onDevice(): Promise<OrtTensor> {
    if (this.tensor.location === 'cpu') {
      this.tensor = await this.mover.move(this.tensor, this.shape, this.dtype, 'gpu-buffer');
    }
    return this.tensor;
  }

  replace(tensor: OrtTensor): void {
    this.tensor.dispose();
    this.tensor = tensor;
  }

  async read(): Promise<HostArray> {
    if (this.tensor.location === 'cpu') return this.tensor.data as HostArray;
    const { data } = await this.mover.move(this.tensor, this.shape, this.dtype, 'cpu');
    return data as HostArray;
  }
}

class WebgpuExecutable implements Executable {
  private readonly watched: WatchedSession;
  private readonly inputs: ReadonlyMap<string, Tensor>;
  private readonly bound: ReadonlyMap<string, WebgpuVariable>;
  private readonly outputs: readonly string[];
  private readonly onFallback: (operations: Fallbacks) => void;
  private hasRun = false;

  constructor(
    watched: WatchedSession,
    inputs: ReadonlyMap<string, Tensor>,
    bound: ReadonlyMap<string, WebgpuVariable>,
    outputs: readonly string[],
    onFallback: (operations: Fallbacks) => void,
  ) {
    this.watched = watched;
    this.inputs = inputs;
    this.bound = bound;
    this.outputs = outputs;
    this.onFallback = onFallback;
  }

  async run(inputs: Readonly<Record<string, HostArray>>): Promise<Record<string, HostArray>> {
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, { shape, dtype }] of this.inputs) {
      const variable = this.bound.get(name);
      feeds[name] =
        variable === undefined
          ? ortTensor(given(inputs, name, shape), shape, dtype)
          : await variable.onDevice();
    }
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await this.watched.session.run(feeds);
    } catch (error) {
      throw failed('run', error);
    }
    if (!this.hasRun) {
      this.hasRun = true;
      const fallbacks = await this.watched.fallbacks();
      if (fallbacks.size > 0) this.onFallback(fallbacks);
    }
    for (const [name, variable] of this.bound) {
      const update = results[UPDATE_PREFIX + name] as OrtTensor | undefined;
      if (update !== undefined) variable.replace(update);
    }
    return Object.fromEntries(this.outputs.map((name) => [name, results[name].data as HostArray]));
  }

  async dispose(): Promise<void> {
    await this.watched.session.release();
  }
}

/** @param onFallback is told, once a program, which operations of it run on the CPU, if any */
export function webgpuEngine(onFallback: (operations: Fallbacks) => void): Engine {
  const mover = new Mover();
  return {
    name: 'onnx on WebGPU',

    variable: (values, shape, dtype) => new WebgpuVariable(values, shape, dtype, mover),

    async compile({ graph, outputs, bindings }: ProgramDefinition): Promise<Executable> {
      const updates: Record<string, Tensor> = {};
      const bound = new Map<string, WebgpuVariable>();
      for (const { input, variable, update } of bindings) {
        const { name } = graph.nodeOf(input).attributes as { readonly name: string };
        bound.set(name, variable as WebgpuVariable);
        if (update !== undefined) updates[UPDATE_PREFIX + name] = update;
      }
      const { bytes, inputs } = lower(graph, { ...updates, ...outputs }, { provider: 'webgpu' });
      const locate = (names: readonly string[], location: Location): [string, Location][] =>
        names.map((name) => [name, location]);
      const options: InferenceSession.SessionOptions = {
        executionProviders: ['webgpu'],
        preferredOutputLocation: Object.fromEntries([
          ...locate(Object.keys(updates), 'gpu-buffer'),
          ...locate(Object.keys(outputs), 'cpu'),
        ]),
        logSeverityLevel: 3,
      };
      try {
        const watched = await createWatched(bytes, options);
        return new WebgpuExecutable(watched, inputs, bound, Object.keys(outputs), onFallback);
      } catch (error) {
        throw failed('load', error);
      }
    },
  };
}
