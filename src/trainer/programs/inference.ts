/**
 * Inference on one sequence with a cache of keys and values, one row a position, that programs update in place.
 *
 * Two programs share weights and caches: one takes a chunk of a prompt at a time, the other a single token. A chunk that is not
 * full is padded: the rows that padding leaves in the cache lie in the future of every real row, where the mask hides
 * them, and are overwritten before they are its past.
 */
import { TokenmillError } from '../../core/errors.js';
import { gatherRows, gemm, setRows } from '../graph/build.js';
import { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import type { Binding, Engine, Executable, Variable } from '../engines/engine.js';
import { cacheSpecs, familyOf, modelSize, type ModelConfig, parameterSpecs } from '../models/registry.js';
import { causalMask, checkContext, checkIds, declareParameters, lookup } from './forward.js';
import { valuesOf } from './state.js';

/** Positions of a prompt that are run at once. */
const CHUNK = 64;

export interface InferenceOptions {
  readonly engine: Engine;
  /** Positions that the cache holds. Default: as many as the model is made for. */
  readonly context?: number;
  readonly threads?: number;
}

export interface InferenceProgram {
  /** Positions that a sequence may have, prompt and continuation together. */
  readonly context: number;
  /**
   * Appends tokens to the sequence. Returns the logits after the last of them [vocabulary].
   * @throws TokenmillError MODEL_INVALID for no token or one outside of the vocabulary, or where the context is full
   */
  prefill(ids: Int32Array): Promise<Float32Array>;
  /** Appends one token, as prefill does. */
  next(id: number): Promise<Float32Array>;
  /** Forgets the sequence. */
  reset(): void;
  dispose(): Promise<void>;
}

/** @throws TokenmillError MODEL_INVALID where the parameters do not fit the configuration, ENGINE_FAILED */
export async function compileInference(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  options: InferenceOptions,
): Promise<InferenceProgram> {
  const { engine, threads, context = modelSize(config).positions } = options;
  checkContext(config, context);
  // A padded chunk may begin at the last position of the context.
  const length = context + CHUNK - 1;
  const variables = new Map<string, Variable>();
  for (const spec of parameterSpecs(config)) {
    variables.set(spec.name, engine.variable(valuesOf(parameters, spec), spec.shape, 'float32'));
  }
  for (const { name, width } of cacheSpecs(config)) {
    variables.set(name, engine.variable(new Float32Array(length * width), [length, width], 'float32'));
  }
  const compile = (time: number): Promise<Executable> =>
    compileChunk(config, { time, length }, engine, variables, threads);
  return new CachedInference(config, context, await compile(CHUNK), await compile(1));
}

/** A program for `time` tokens at the given positions, of which `last` is the row whose logits are wanted. */
function compileChunk(
  config: ModelConfig,
  { time, length }: { readonly time: number; readonly length: number },
  engine: Engine,
  variables: ReadonlyMap<string, Variable>,
  threads: number | undefined,
): Promise<Executable> {
  const graph = new Graph();
  const ids = graph.input('ids', [time], 'int32');
  const positions = graph.input('positions', [time], 'int32');
  const last = graph.input('last', [1], 'int32');
  const inputs = declareParameters(graph, config);
  const bindings = [...inputs].map(([name, input]: [string, Tensor]): Binding => ({
    input,
    variable: variables.get(name) as Variable,
  }));
  const { hidden, outputWeight, outputBias } = familyOf(config).decode(
    config,
    {
      graph,
      time,
      batch: 1,
      source: length,
      positions,
      mask: causalMask(positions, length),
      parameter: lookup(inputs),
      remember({ name, width }, rows) {
        const input = graph.input(name, [length, width], 'float32');
        const update = setRows(input, positions, rows);
        bindings.push({ input, variable: variables.get(name) as Variable, update });
        return update;
      },
    },
    ids,
  );
  const logits = gemm(gatherRows(hidden, last), outputWeight, { transposeB: true, c: outputBias });
  return engine.compile({ graph, outputs: { logits }, bindings }, { threads });
}

class CachedInference implements InferenceProgram {
  readonly context: number;
  private readonly config: ModelConfig;
  private readonly chunk: Executable;
  private readonly single: Executable;
  private position = 0;

  constructor(config: ModelConfig, context: number, chunk: Executable, single: Executable) {
    this.config = config;
    this.context = context;
    this.chunk = chunk;
    this.single = single;
  }

  async prefill(ids: Int32Array): Promise<Float32Array> {
    if (ids.length === 0) throw new TokenmillError('MODEL_INVALID', 'a sequence needs at least one token');
    checkIds(ids, this.config.vocab_size, 0);
    if (this.position + ids.length > this.context) {
      throw new TokenmillError(
        'MODEL_INVALID',
        `${this.position} + ${ids.length} tokens do not fit the context of ${this.context}`,
        { hint: 'shorten the text, or compile for a longer context' },
      );
    }
    let logits: Float32Array | undefined;
    for (let start = 0; start < ids.length; start += CHUNK) {
      logits = await this.append(ids.subarray(start, start + CHUNK));
    }
    return logits as Float32Array;
  }

  next(id: number): Promise<Float32Array> {
    return this.prefill(Int32Array.of(id));
  }

  private async append(ids: Int32Array): Promise<Float32Array> {
    const [program, time] = ids.length === 1 ? [this.single, 1] : [this.chunk, CHUNK];
    const padded = new Int32Array(time);
    padded.set(ids);
    const { logits } = await program.run({
      ids: padded,
      positions: Int32Array.from({ length: time }, (_, row) => this.position + row),
      last: Int32Array.of(ids.length - 1),
    });
    this.position += ids.length;
    return logits as Float32Array;
  }

  reset(): void {
    this.position = 0;
  }

  async dispose(): Promise<void> {
    await this.chunk.dispose();
    await this.single.dispose();
  }
}
