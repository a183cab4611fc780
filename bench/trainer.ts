/**
 * Steps of training beside PyTorch: the same Llama-style model, weights, batches and optimizer in processes that stay up and
 * take turns, PyTorch written out and with its fused kernels. Checked: losses and gradient norms agree step by step. Also
 * measured: peak memory of each, and the time of the step's own matrix products alone (the roofline).
 *
 * TOKENMILL_PYTHON names a Python with torch and safetensors; without it the product runs alone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/core/random.js';
import { parameterSpecs, parseModelConfig } from '../src/trainer/models/registry.js';
import { initialState } from '../src/trainer/programs/state.js';
import { HUGGING_FACE_METADATA, writeSafetensors } from '../src/trainer/safetensors.js';
import { median, type Benchmark } from './support/benchmark.js';
import type { ProductFigures } from './support/matrix-products.js';

const THREADS = 2;
/** Distinct batches; steps go through them in turn. */
const BATCHES = 8;
/** Of losses and norms: rounding grows with the steps. */
const TOLERANCE = 2e-4;
const TRAINING = {
  learning_rate: 1e-3,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weight_decay: 0.1,
  clip_norm: 1,
};

interface Shape {
  readonly name: string;
  readonly layers: number;
  readonly width: number;
  readonly inner: number;
  readonly vocabulary: number;
  readonly batch: number;
  readonly context: number;
}

const A = { layers: 4, width: 256, inner: 688, vocabulary: 256 };
const B = { layers: 6, width: 384, inner: 1024, vocabulary: 8192 };
export const SHAPES: readonly Shape[] = [
  { name: 'A', ...A, batch: 8, context: 256 },
  { name: 'B', ...B, batch: 8, context: 256 },
  { name: 'A, context 1024', ...A, batch: 2, context: 1024 },
  { name: 'B, context 1024', ...B, batch: 2, context: 1024 },
];

interface Answer {
  readonly version?: string;
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly seconds: readonly number[];
  readonly peak_bytes: number;
}

/** A process that answers a line with a line. */
class Contestant {
  readonly name: string;
  readonly seconds: number[] = [];
  readonly losses: number[] = [];
  readonly norms: number[] = [];
  peakBytes = 0;
  version: string | undefined;
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.answers = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
  }

  async ask(line: string): Promise<unknown> {
    this.child.stdin?.write(`${line}\n`);
    const { value, done } = await this.answers.next();
    if (done === true) throw new Error(`${this.name} ended`);
    return JSON.parse(value);
  }

  async steps(count: number, counted: boolean): Promise<void> {
    const answer = (await this.ask(String(count))) as Answer;
    this.losses.push(...answer.losses);
    this.norms.push(...answer.norms);
    if (counted) this.seconds.push(...answer.seconds);
    this.peakBytes = answer.peak_bytes;
    this.version = answer.version;
  }

  async end(): Promise<void> {
    const closed = new Promise((resolve) => this.child.on('close', resolve));
    this.child.stdin?.end();
    await closed;
  }
}

export const run: Benchmark = async ({ quick }) => {
  const only = process.env['TOKENMILL_BENCH_SHAPES']?.split(',');
  const shapes = SHAPES.filter(({ name }) => only?.includes(name) ?? true);
  const rows: Record<string, unknown>[] = [];
  for (const shape of quick ? shapes.slice(0, 1) : shapes) {
    const row = await measure(shape, quick ? [1, 2] : [2, rounds()]);
    rows.push(row);
    process.stdout.write(`${JSON.stringify(row, null, 1)}\n`);
  }
  return { workload: `Llama-style models, AdamW with clipping, float32, ${THREADS} threads`, rows };
};

/** Turns of each process, of one step each. */
function rounds(): number {
  return Number(process.env['TOKENMILL_BENCH_ROUNDS'] ?? 16);
}

async function measure(shape: Shape, [warmUp, turns]: readonly number[]): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  const contestants: Contestant[] = [];
  try {
    await writeInputs(folder, shape);
    const ours = fileURLToPath(new URL('./support/train-steps.ts', import.meta.url));
    contestants.push(
      new Contestant('tokenmill', process.execPath, ['--import', 'tsx', ours, folder, `${THREADS}`]),
    );
    const python = process.env['TOKENMILL_PYTHON'];
    const peer = fileURLToPath(new URL('./peers/train_step.py', import.meta.url));
    for (const mode of python === undefined ? [] : ['eager', 'sdpa']) {
      contestants.push(new Contestant(mode, python as string, [peer, folder, mode, `${THREADS}`]));
    }
    for (const contestant of contestants) await contestant.steps(warmUp, false);
    for (let turn = 0; turn < turns; turn++) {
      for (const contestant of contestants) await contestant.steps(1, true);
    }
    const products = (await contestants[0].ask('products')) as ProductFigures;
    return { ...shape, turns, ...compare(contestants, shape, products) };
  } finally {
    for (const contestant of contestants) await contestant.end();
    await rm(folder, { recursive: true, force: true });
  }
}

function compare(
  [ours, ...peers]: readonly Contestant[],
  { batch, context }: Shape,
  products: ProductFigures,
): Record<string, unknown> {
  const time = median(ours.seconds);
  for (const peer of peers) {
    for (const [key, values] of [
      ['losses', ours.losses],
      ['norms', ours.norms],
    ] as const) {
      const worst = Math.max(...values.map((value, at) => Math.abs(value / peer[key][at] - 1)));
      if (!(worst < TOLERANCE)) throw new Error(`${key} differ from ${peer.name}'s by ${worst}`);
    }
  }
  return {
    step_ms: milliseconds(time),
    tokens_per_second: Math.round((batch * context) / time),
    peak_mb: Math.round(ours.peakBytes / 1e6),
    products: products.products,
    products_ms: milliseconds(products.seconds),
    roofline: ratio(products.seconds / time),
    gigaflops_of_products: Math.round(products.operations / products.seconds / 1e9),
    last_loss: ours.losses.at(-1),
    peers: peers.map((peer) => ({
      name: peer.name,
      torch: peer.version,
      step_ms: milliseconds(median(peer.seconds)),
      speed: ratio(median(peer.seconds) / time),
      /** The same from the fastest step of each: what is left where other programs take time of the machine. */
      best_speed: ratio(Math.min(...peer.seconds) / Math.min(...ours.seconds)),
      peak_mb: Math.round(peer.peakBytes / 1e6),
      memory: ratio(ours.peakBytes / peer.peakBytes),
      last_loss: peer.losses.at(-1),
    })),
  };
}

export async function writeInputs(folder: string, shape: Shape): Promise<void> {
  const { layers, width, inner, vocabulary, batch, context } = shape;
  const config = parseModelConfig({
    model_type: 'llama',
    vocab_size: vocabulary,
    hidden_size: width,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: width / 64,
    max_position_embeddings: 1024,
    tie_word_embeddings: false,
  });
  const { parameters } = initialState(config, 1);
  const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array<ArrayBuffer> =>
    new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  const weights = parameterSpecs(config).map(({ name, shape: extents }) => {
    const values = parameters.get(name) as Float32Array;
    return [name, { dtype: 'F32', shape: extents, bytes: bytesOf(values) }] as const;
  });
  const random = new Random(2);
  // A skewed distribution, so that there is something to learn and embedding rows repeat.
  const tokens = Int32Array.from(
    { length: BATCHES * batch * context },
    () => Math.floor(vocabulary ** (random.below(1 << 20) / (1 << 20))) % vocabulary,
  );
  const targets = tokens.map((_, i) => tokens[(i + 1) % tokens.length]);
  const batches = { dtype: 'I32', shape: [BATCHES, batch, context] } as const;
  await writeSafetensors(join(folder, 'model.safetensors'), new Map(weights), HUGGING_FACE_METADATA);
  await writeSafetensors(
    join(folder, 'batches.safetensors'),
    new Map([
      ['ids', { ...batches, bytes: bytesOf(tokens) }],
      ['targets', { ...batches, bytes: bytesOf(targets) }],
    ]),
    HUGGING_FACE_METADATA,
  );
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'training.json'), JSON.stringify(TRAINING));
}

function milliseconds(seconds: number): number {
  return Number((seconds * 1000).toFixed(1));
}

function ratio(value: number): number {
  return Number(value.toFixed(3));
}
