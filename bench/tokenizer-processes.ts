/** The parts of the tokenizer's benchmark that need processes or threads of their own: memory, training, workers. */
import { open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { measureNode, median } from './support/benchmark.js';

const TRAIN_MODULE = new URL('../dist/tokenizer/train.js', import.meta.url).href;
const INDEX_MODULE = new URL('../dist/tokenizer/index.js', import.meta.url).href;
const LOAD_MODULE = new URL('../dist/tokenizer/load.js', import.meta.url).href;

const TRAINED_SIZE = 32_000;
/** A small corpus, as for an exercise: this many bytes to so many tokens. */
const SMALL_BYTES = 130_000;
const SMALL_SIZE = 500;

type Python = <Result>(...args: readonly string[]) => Result | undefined;

/** Largest resident set of a process that encodes a file, as a stream. */
export async function encodingMemory(file: string): Promise<number> {
  const code = `
    import { createReadStream } from 'node:fs';
    const { loadTokenizer } = await import(${JSON.stringify(LOAD_MODULE)});
    const tokenizer = await loadTokenizer('cl100k_base');
    let tokens = 0;
    for await (const ids of tokenizer.encodeStream(createReadStream(process.argv[1]))) tokens += ids.length;
    console.log(tokens);`;
  const { peakBytes } = await measureNode(['--input-type=module', '-e', code, file]);
  const peak = Math.round(peakBytes / 1e6);
  process.stdout.write(`${JSON.stringify({ encoding_peak_mb: peak })}\n`);
  return peak;
}

const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.module).then(async ({ loadTokenizer, TokenBuffer }) => {
    const tokenizer = await loadTokenizer('cl100k_base');
    // As the measurement of one thread: an array for each document would be a measurement of the allocator.
    const output = new TokenBuffer();
    const documents = workerData.documents.map((document) => Buffer.from(document));
    const encode = (passes) => {
      let tokens = 0;
      for (let pass = 0; pass < passes; pass++)
        for (const document of documents) {
          output.length = 0;
          tokenizer.encodeInto(document, output);
          tokens += output.length;
        }
      return tokens;
    };
    // Once beforehand: each thread compiles its code and fills its cache on its own, whatever its share of the texts.
    encode(1);
    parentPort.on('message', () => parentPort.postMessage(encode(workerData.passes)));
    parentPort.postMessage('ready');
  });`;

const WORKER_PASSES = 24;
const ROUNDS = 7;

/**
 * Seconds by the clock, and of CPU, in which threads, which are loaded and waiting, encode all documents, each thread its
 * share.
 */
async function withWorkers(
  documents: readonly Buffer[],
  count: number,
): Promise<{ clock: number; cpu: number }> {
  const workers = Array.from({ length: count }, (_, index) => {
    const share = documents.filter((_document, position) => position % count === index);
    const workerData = { module: INDEX_MODULE, documents: share, passes: WORKER_PASSES };
    return new Worker(WORKER, { eval: true, workerData });
  });
  const answer = (worker: Worker): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  await Promise.all(workers.map(answer));
  const started = performance.now();
  const before = process.cpuUsage();
  const answers = workers.map(answer);
  for (const worker of workers) worker.postMessage('go');
  await Promise.all(answers);
  const clock = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return { clock, cpu: (user + system) / 1e6 };
}

/**
 * How much faster two workers are than one: by the clock, for which the machine has to be idle, and as the CPU time says that
 * it would be on two idle cores.
 */
export async function twoWorkers(documents: readonly Buffer[]): Promise<Record<string, number>> {
  const one: { clock: number; cpu: number }[] = [];
  const two: { clock: number; cpu: number }[] = [];
  // Taking turns, because the machine may be faster at one time than at another.
  for (let round = 0; round < ROUNDS; round++) {
    one.push(await withWorkers(documents, 1));
    two.push(await withWorkers(documents, 2));
  }
  const [oneClock, twoClock] = [one, two].map((runs) => median(runs.map(({ clock }) => clock)));
  const [oneCpu, twoCpu] = [one, two].map((runs) => median(runs.map(({ cpu }) => cpu)));
  const row = {
    one_worker_seconds: Number(oneClock.toFixed(3)),
    two_workers_seconds: Number(twoClock.toFixed(3)),
    speedup: Number((oneClock / twoClock).toFixed(2)),
    speedup_by_cpu_time: Number(((2 * oneCpu) / twoCpu).toFixed(2)),
  };
  process.stdout.write(`${JSON.stringify(row)}\n`);
  return row;
}

async function train(
  file: string,
  size: number,
): Promise<{ seconds: number; merges: number; peak: number; base: number }> {
  const code = `
    import { openSync, readFileSync, readSync } from 'node:fs';
    const { trainTokenizer } = await import(${JSON.stringify(TRAIN_MODULE)});
    const peak = () => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
    const base = peak();
    const before = process.cpuUsage();
    function* texts() {
      const file = openSync(process.argv[1]);
      const buffer = Buffer.alloc(65536);
      for (let size; (size = readSync(file, buffer)) > 0;) yield buffer.subarray(0, size);
    }
    const model = await trainTokenizer(texts(), { vocabSize: ${size}, specials: ['<|endoftext|>'] });
    const { user, system } = process.cpuUsage(before);
    const merges = model.merges.length / 3;
    console.log(JSON.stringify({ seconds: (user + system) / 1e6, merges, base, peak: peak() }));`;
  const { stdout } = await measureNode(['--input-type=module', '-e', code, file]);
  return JSON.parse(stdout) as { seconds: number; merges: number; peak: number; base: number };
}

/**
 * Training, and its memory: the largest resident set at the end, that before training (runtime and code), and the difference,
 * which is what training itself takes; for both implementations.
 */
export async function training(name: string, file: string, python: Python): Promise<Record<string, unknown>> {
  const ours = await train(file, TRAINED_SIZE);
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  const row: Record<string, unknown> = {
    corpus: name,
    merges: ours.merges,
    seconds: Number(ours.seconds.toFixed(2)),
    peak_mb: megabytes(ours.peak),
    base_mb: megabytes(ours.base),
    training_mb: megabytes(ours.peak - ours.base),
  };
  const peer = python<{ seconds: number; peak_megabytes: number; base_megabytes: number }>(
    'train',
    file,
    String(TRAINED_SIZE),
  );
  if (peer !== undefined) {
    row['tokenizers_seconds'] = Number(peer.seconds.toFixed(2));
    row['tokenizers_peak_mb'] = Math.round(peer.peak_megabytes);
    row['tokenizers_base_mb'] = Math.round(peer.base_megabytes);
    row['tokenizers_training_mb'] = Math.round(peer.peak_megabytes - peer.base_megabytes);
    row['times_as_fast'] = Number((peer.seconds / ours.seconds).toFixed(1));
  }
  const small = join(dirname(file), 'small');
  const source = await open(file);
  const { buffer } = await source.read(Buffer.alloc(SMALL_BYTES), 0, SMALL_BYTES, 0);
  await source.close();
  await writeFile(small, buffer);
  row['small_seconds'] = Number((await train(small, SMALL_SIZE)).seconds.toFixed(2));
  process.stdout.write(`${JSON.stringify(row)}\n`);
  return row;
}
