/**
 * Steps of training beside PyTorch: the same Llama-style model, weights, batches and optimizer in processes that stay up and
 * take turns, PyTorch written out and with its fused kernels. Checked: losses and gradient norms agree step by step. Also
 * measured: peak memory of each, and the time of the step's own matrix products alone (the roofline), in turn with the rest.
 *
 * PyTorch's wheels multiply with MKL, which takes slow code on processors that Intel did not make. There PyTorch runs a second
 * time, told to take the fast one (bench/peers/mkl_vendor.c), where a C compiler is at hand: that is the fair comparison.
 *
 * TOKENMILL_PYTHON names a Python with torch and safetensors; without it the product runs alone. TOKENMILL_BENCH_SHAPES=A,B
 * measures those shapes and keeps what is recorded of the others; TOKENMILL_BENCH_ROUNDS says how many steps count.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/core/random.js';
import { parameterSpecs, parseModelConfig } from '../src/trainer/models/registry.js';
import { initialState } from '../src/trainer/programs/state.js';
import { HUGGING_FACE_METADATA, writeSafetensors } from '../src/trainer/safetensors.js';
import { median, type Benchmark } from './support/benchmark.js';

const OURS = fileURLToPath(new URL('./support/train-steps.ts', import.meta.url));
const PEER = fileURLToPath(new URL('./peers/train_step.py', import.meta.url));
const MKL_VENDOR = fileURLToPath(new URL('./peers/mkl_vendor.c', import.meta.url));
const RECORD = fileURLToPath(new URL('./results/trainer.json', import.meta.url));

const THREADS = 2;
/** Distinct batches; steps go through them in turn. */
const BATCHES = 8;
/** Of every loss, and of norms in the middle of all steps: a single one may be ill-conditioned. */
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
const SHAPES: readonly Shape[] = [
  { name: 'A', ...A, batch: 8, context: 256 },
  { name: 'B', ...B, batch: 8, context: 256 },
  { name: 'A-1024', ...A, batch: 2, context: 1024 },
  { name: 'B-1024', ...B, batch: 2, context: 1024 },
];

interface Answer {
  readonly version?: string;
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly seconds: readonly number[];
  readonly peak_bytes: number;
  /** Of the matrix products alone: how many, and multiplications and additions. */
  readonly products?: number;
  readonly operations?: number;
}

/** A process that answers a line with a line. */
class Contestant {
  readonly name: string;
  readonly seconds: number[] = [];
  readonly losses: number[] = [];
  readonly norms: number[] = [];
  last: Answer | undefined;
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor(name: string, command: string, args: readonly string[], preload?: string) {
    this.name = name;
    const env = { ...process.env, ...(preload !== undefined && { LD_PRELOAD: preload }) };
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.answers = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
  }

  async steps(count: number, counted: boolean): Promise<void> {
    this.child.stdin?.write(`${count}\n`);
    const { value, done } = await this.answers.next();
    if (done === true) throw new Error(`${this.name} ended`);
    const answer = JSON.parse(value) as Answer;
    this.losses.push(...answer.losses);
    this.norms.push(...answer.norms);
    if (counted) this.seconds.push(...answer.seconds);
    this.last = answer;
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
  const rows = new Map(only === undefined ? [] : await recordedRows());
  for (const shape of quick ? shapes.slice(0, 1) : shapes) {
    const row = await measure(shape, quick ? [1, 2] : [1, rounds()]);
    rows.set(shape.name, row);
    process.stdout.write(`${JSON.stringify(row, null, 1)}\n`);
  }
  return {
    workload: `Llama-style models, AdamW with clipping, float32, ${THREADS} threads`,
    rows: SHAPES.flatMap(({ name }) => rows.get(name) ?? []),
  };
};

type Row = Record<string, unknown>;

/** By the names of their shapes. */
async function recordedRows(): Promise<[string, Row][]> {
  if (!existsSync(RECORD)) return [];
  const { figures } = JSON.parse(await readFile(RECORD, 'utf8')) as { figures: { rows: Row[] } };
  return figures.rows.map((row) => [row['name'] as string, row]);
}

/** Turns of each process, of one step each. */
function rounds(): number {
  return Number(process.env['TOKENMILL_BENCH_ROUNDS'] ?? 16);
}

async function measure(shape: Shape, [warmUp, turns]: readonly number[]): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  const contestants: Contestant[] = [];
  try {
    await writeInputs(folder, shape);
    for (const mode of ['step', 'products', 'recompute']) {
      const args = ['--import', 'tsx', OURS, folder, mode, `${THREADS}`];
      contestants.push(new Contestant(mode, process.execPath, args));
    }
    contestants.push(...startPeers(folder));
    for (const contestant of contestants) await contestant.steps(warmUp, false);
    for (let turn = 0; turn < turns; turn++) {
      for (const contestant of contestants) await contestant.steps(1, true);
    }
    const date = new Date().toISOString().slice(0, 10);
    return { ...shape, date, turns, ...compare(contestants, shape) };
  } finally {
    for (const contestant of contestants) await contestant.end();
    await rm(folder, { recursive: true, force: true });
  }
}

function startPeers(folder: string): Contestant[] {
  const python = process.env['TOKENMILL_PYTHON'];
  if (python === undefined) return [];
  const start = (name: string, mode: string, preload?: string): Contestant =>
    new Contestant(name, python, [PEER, folder, mode, `${THREADS}`], preload);
  const modes = ['eager', 'sdpa'];
  const asInstalled = modes.map((mode) => start(mode, mode));
  if (!existsSync('/proc/cpuinfo') || readFileSync('/proc/cpuinfo', 'utf8').includes('GenuineIntel')) {
    return asInstalled;
  }
  const library = join(folder, 'mkl_vendor.so');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, MKL_VENDOR]);
  } catch {
    process.stdout.write('without a C compiler PyTorch runs with the slow products of MKL only\n');
    return asInstalled;
  }
  return [...asInstalled, ...modes.map((mode) => start(`${mode}, fast MKL`, mode, library))];
}

function compare(
  [ours, alone, recomputed, ...peers]: readonly Contestant[],
  { batch, context }: Shape,
): Record<string, unknown> {
  const time = median(ours.seconds);
  for (const peer of peers) {
    const differences = (key: 'losses' | 'norms'): number[] =>
      ours[key].map((value, at) => Math.abs(value / peer[key][at] - 1));
    const worst = { losses: Math.max(...differences('losses')), norms: median(differences('norms')) };
    for (const [key, value] of Object.entries(worst)) {
      if (!(value < TOLERANCE)) throw new Error(`${key} differ from ${peer.name}'s by ${value}`);
    }
  }
  const productTime = median(alone.seconds);
  const { products, operations = NaN } = alone.last as Answer;
  const memory = peakOf(ours);
  return {
    step_ms: milliseconds(time),
    best_step_ms: milliseconds(Math.min(...ours.seconds)),
    tokens_per_second: Math.round((batch * context) / time),
    peak_mb: megabytes(memory),
    products,
    products_ms: milliseconds(productTime),
    roofline: ratio(productTime / time),
    /** From the fastest of each: what is left where other programs take time of the machine. */
    best_roofline: ratio(Math.min(...alone.seconds) / Math.min(...ours.seconds)),
    gigaflops_of_products: Math.round(operations / productTime / 1e9),
    last_loss: ours.losses.at(-1),
    /** Activations of layers computed again in place of kept: memory against time. */
    recompute: {
      step_ms: milliseconds(median(recomputed.seconds)),
      time: ratio(median(recomputed.seconds) / time),
      peak_mb: megabytes(peakOf(recomputed)),
      memory: ratio(peakOf(recomputed) / memory),
    },
    peers: peers.map((peer) => ({
      name: peer.name,
      torch: peer.last?.version,
      step_ms: milliseconds(median(peer.seconds)),
      speed: ratio(median(peer.seconds) / time),
      best_speed: ratio(Math.min(...peer.seconds) / Math.min(...ours.seconds)),
      peak_mb: megabytes(peakOf(peer)),
      memory: ratio(memory / peakOf(peer)),
      last_loss: peer.losses.at(-1),
    })),
  };
}

function peakOf({ last }: Contestant): number {
  return (last as Answer).peak_bytes;
}

async function writeInputs(folder: string, shape: Shape): Promise<void> {
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

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function milliseconds(seconds: number): number {
  return Number((seconds * 1000).toFixed(1));
}

function ratio(value: number): number {
  return Number(value.toFixed(3));
}
