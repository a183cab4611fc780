/**
 * Inference on sequences with a cache of keys and values, one row a position and sequence, that programs update in place.
 *
 * Two programs share weights and caches: one takes a chunk of every prompt at a time, the other a single token each. A
 * chunk that is not full is padded: the rows that padding leaves in the cache lie in the future of every real row, where
 * the mask hides them, and are overwritten before they are its past. So sequences may have different lengths: each counts
 * its positions by itself.
 */
import { TokenmillError } from '../../core/errors.js';
import { gatherRows, gemm, reshape, setRows, transpose } from '../graph/build.js';
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

/** Several sequences at once. */
export interface BatchInference {
  /** Sequences, and positions that each may have, prompt and continuation together. */
  readonly batch: number;
  readonly context: number;
  /**
   * Appends tokens to the sequences, none to one whose ids are empty. Returns the logits [vocabulary] after the last
   * token of each; those of a sequence that got none mean nothing.
   * @throws TokenmillError MODEL_INVALID for a token outside of the vocabulary, or where a context is full
   */
  append(ids: readonly Int32Array[]): Promise<Float32Array[]>;
  /** Forgets the sequences. */
  reset(): void;
  dispose(): Promise<void>;
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

/** Of one sequence. @throws TokenmillError MODEL_INVALID where the parameters do not fit the configuration, ENGINE_FAILED */
export async function compileInference(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  options: InferenceOptions,
): Promise<InferenceProgram> {
  const one = await compileBatchInference(config, parameters, { ...options, batch: 1 });
  const prefill = async (ids: Int32Array): Promise<Float32Array> => {
    if (ids.length === 0) throw new TokenmillError('MODEL_INVALID', 'a sequence needs at least one token');
    const [logits] = await one.append([ids]);
    return logits;
  };
  return {
    context: one.context,
    prefill,
    next: (id) => prefill(Int32Array.of(id)),
    reset: () => one.reset(),
    dispose: () => one.dispose(),
  };
}

/** @throws TokenmillError MODEL_INVALID where the parameters do not fit the configuration, ENGINE_FAILED */
export async function compileBatchInference(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  options: InferenceOptions & { readonly batch: number },
): Promise<BatchInference> {
  const { engine, threads, batch, context = modelSize(config).positions } = options;
  checkContext(config, context);
  // A padded chunk may begin at the last position of the context.
  const length = context + CHUNK - 1;
  const variables = new Map<string, Variable>();
  for (const spec of parameterSpecs(config)) {
    variables.set(spec.name, engine.variable(valuesOf(parameters, spec), spec.shape, 'float32'));
  }
  for (const { name, width } of cacheSpecs(config)) {
    const shape = [length * batch, width];
    variables.set(name, engine.variable(new Float32Array(length * batch * width), shape, 'float32'));
  }
  const compile = (time: number): Promise<Executable> =>
    compileChunk(config, { time, batch, length }, engine, variables, threads);
  return new CachedInference(config, { batch, context }, await compile(CHUNK), await compile(1));
}

interface ChunkShape {
  readonly time: number;
  readonly batch: number;
  /** Positions of the cache. */
  readonly length: number;
}

/** A program for `time` tokens of each sequence at the given positions, of which `last` are the rows whose logits are wanted. */
function compileChunk(
  config: ModelConfig,
  { time, batch, length }: ChunkShape,
  engine: Engine,
  variables: ReadonlyMap<string, Variable>,
  threads: number | undefined,
): Promise<Executable> {
  const graph = new Graph();
  const ids = graph.input('ids', [time * batch], 'int32');
  const positions = graph.input('positions', [time * batch], 'int32');
  const last = graph.input('last', [batch], 'int32');
  // Of one sequence the rows of the cache are its positions.
  const rows = batch === 1 ? positions : graph.input('rows', [time * batch], 'int32');
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
      batch,
      source: length,
      positions,
      mask: batch === 1 ? causalMask(positions, length) : causalMasks(positions, batch, length),
      parameter: lookup(inputs),
      remember({ name, width }, values) {
        const input = graph.input(name, [length * batch, width], 'float32');
        const update = setRows(input, rows, values);
        bindings.push({ input, variable: variables.get(name) as Variable, update });
        return update;
      },
    },
    ids,
  );
  const logits = gemm(gatherRows(hidden, last), outputWeight, { transposeB: true, c: outputBias });
  return engine.compile({ graph, outputs: { logits }, bindings }, { threads });
}

/** `causalMask` of sequences with positions of their own, [batch, 1, 1, time, source]. positions [time * batch] */
function causalMasks(positions: Tensor, batch: number, source: number): Tensor {
  const times = positions.shape[0] / batch;
  const bySequence = reshape(transpose(reshape(positions, [times, batch]), [1, 0]), [times * batch]);
  return reshape(causalMask(bySequence, source), [batch, 1, 1, times, source]);
}

class CachedInference implements BatchInference {
  readonly batch: number;
  readonly context: number;
  private readonly config: ModelConfig;
  private readonly chunk: Executable;
  private readonly single: Executable;
  /** Tokens of each sequence. */
  private readonly lengths: Int32Array;

  constructor(
    config: ModelConfig,
    { batch, context }: { readonly batch: number; readonly context: number },
    chunk: Executable,
    single: Executable,
  ) {
    this.config = config;
    this.batch = batch;
    this.context = context;
    this.chunk = chunk;
    this.single = single;
    this.lengths = new Int32Array(batch);
  }

  async append(ids: readonly Int32Array[]): Promise<Float32Array[]> {
    for (const [sequence, more] of ids.entries()) this.check(more, this.lengths[sequence]);
    const logits: Float32Array[] = [];
    const longest = Math.max(...ids.map(({ length }) => length));
    for (let start = 0; start < longest; start += CHUNK) {
      const parts = ids.map((more) => more.subarray(start, start + CHUNK));
      const results = await this.run(parts);
      for (const [sequence, part] of parts.entries())
        if (part.length > 0) logits[sequence] = results[sequence];
    }
    return logits;
  }

  private check(ids: Int32Array, length: number): void {
    checkIds(ids, this.config.vocab_size, 0);
    if (length + ids.length <= this.context) return;
    throw new TokenmillError(
      'MODEL_INVALID',
      `${length} + ${ids.length} tokens do not fit the context of ${this.context}`,
      { hint: 'shorten the text, or compile for a longer context' },
    );
  }

  private async run(parts: readonly Int32Array[]): Promise<Float32Array[]> {
    const { batch } = this;
    const [program, time] = parts.every(({ length }) => length <= 1) ? [this.single, 1] : [this.chunk, CHUNK];
    const ids = new Int32Array(time * batch);
    const positions = new Int32Array(time * batch);
    for (const [sequence, part] of parts.entries()) {
      for (let step = 0; step < time; step++) {
        ids[step * batch + sequence] = step < part.length ? part[step] : 0;
        positions[step * batch + sequence] = this.lengths[sequence] + step;
      }
    }
    const { logits } = await program.run({
      ids,
      positions,
      rows: positions.map((position, row) => position * batch + (row % batch)),
      last: Int32Array.from(parts, ({ length }, sequence) => Math.max(0, length - 1) * batch + sequence),
    });
    for (const [sequence, part] of parts.entries()) this.lengths[sequence] += part.length;
    const vocabulary = logits.length / batch;
    return parts.map((_, sequence) =>
      (logits as Float32Array).subarray(sequence * vocabulary, (sequence + 1) * vocabulary),
    );
  }

  reset(): void {
    this.lengths.fill(0);
  }

  async dispose(): Promise<void> {
    await this.chunk.dispose();
    await this.single.dispose();
  }
}
