/**
 * Reading alone: decompressing and cutting a generated corpus of WET records of 1 GB, per container, in MB of content a
 * second; then the whole ingest of a part of it with one worker and with two. Checked: every container gives the
 * same records, and both ingests the same shards.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Random } from '../src/core/random.js';
import { cutRecords } from '../src/ingest/formats/cut.js';
import { detectLayout } from '../src/ingest/formats/detect.js';
import { prose } from '../tests/support/corpus.js';
import { warcRecord } from '../tests/support/warc.js';
import { measureNode, type Benchmark } from './support/benchmark.js';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** Generated records; a larger file has them several times. */
const BLOCK_BYTES = 32e6;
/** How often, by container: bzip2 takes as long for a block as the others for many. */
const REPEATS = { plain: 32, gzip: 32, zstd: 8, lz4: 8, bzip2: 1, 'jsonl.gz': 8 } as const;
/** Packers that other programs are needed for. */
const TOOLS = { zstd: ['zstd', '-q', '-c'], lz4: ['lz4', '-q', '-c'], bzip2: ['bzip2', '-c'] } as const;
const INGEST_BYTES = 24e6;

type Kind = keyof typeof REPEATS;

interface Block {
  readonly bytes: Buffer;
  readonly parts: readonly Buffer[];
}

function makeBlock(bytes: number): { wet: Block; lines: Block } {
  const random = new Random(1);
  const wet: Buffer[] = [];
  const lines: Buffer[] = [];
  for (let total = 0; total < bytes;) {
    // As long as the texts of crawled pages are: about 5 kB.
    const text = prose(random, 100 + random.below(1400));
    const uri = `http://example.com/${random.uint32()}`;
    wet.push(warcRecord(text, { uri }));
    lines.push(Buffer.from(`${JSON.stringify({ url: uri, text })}\n`));
    total += text.length;
  }
  return {
    wet: { bytes: Buffer.concat(wet), parts: wet },
    lines: { bytes: Buffer.concat(lines), parts: lines },
  };
}

/** Undefined where the program that packs is not here. */
function pack(kind: Kind, { wet, lines }: ReturnType<typeof makeBlock>): Buffer | undefined {
  switch (kind) {
    case 'plain':
      return wet.bytes;
    case 'gzip':
      return Buffer.concat(wet.parts.map((part) => gzipSync(part)));
    case 'jsonl.gz':
      return gzipSync(lines.bytes);
    default: {
      const [program, ...args] = TOOLS[kind];
      try {
        return execFileSync(program, args, { input: wet.bytes, maxBuffer: 2 * BLOCK_BYTES });
      } catch {
        return undefined;
      }
    }
  }
}

const round = (value: number): number => Math.round(value * 10) / 10;

async function readAll(
  location: string,
): Promise<{ records: number; bytes: number; seconds: number; cpu: number }> {
  const source = { name: location, location, size: 0, modifiedMs: 0 };
  const layout = await detectLayout(source);
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  let records = 0;
  let bytes = 0;
  for await (const record of cutRecords(source, layout)) {
    if (record.kind === 'bad') throw new Error(`${location}: ${record.reason}`);
    records += 1;
    bytes += record.bytes.length;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { records, bytes, seconds: (performance.now() - started) / 1000, cpu: (user + system) / 1e6 };
}

export const run: Benchmark = async ({ quick }) => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  const block = makeBlock(quick ? 4e6 : BLOCK_BYTES);
  const reading: Record<string, unknown>[] = [];
  try {
    for (const kind of ['plain', 'gzip', 'zstd', 'lz4', 'bzip2', 'jsonl.gz'] as const) {
      const packed = pack(kind, block);
      if (packed === undefined) {
        process.stdout.write(`${kind}: its program is not here\n`);
        continue;
      }
      const repeats = quick ? 1 : REPEATS[kind];
      const path = join(folder, `corpus.${kind}`);
      const file = await open(path, 'w');
      for (let i = 0; i < repeats; i++) await file.writeFile(packed);
      await file.close();
      // Once before, so that code is compiled and the file is in memory.
      await readAll(path);
      const { records, bytes, seconds, cpu } = await readAll(path);
      const expected = (kind === 'jsonl.gz' ? block.lines : block.wet).parts.length * repeats;
      if (records !== expected) throw new Error(`${kind}: ${records} records, not ${expected}`);
      reading.push({
        container: kind,
        content_mb: Math.round(bytes / 1e6),
        seconds: round(seconds),
        mb_per_second: Math.round(bytes / 1e6 / seconds),
        mb_per_cpu_second: Math.round(bytes / 1e6 / cpu),
      });
      process.stdout.write(`${JSON.stringify(reading.at(-1))}\n`);
      await rm(path);
    }
    const input = join(folder, 'corpus.wet.gz');
    const limit = quick ? 1e6 : INGEST_BYTES;
    let total = 0;
    const parts = block.wet.parts.filter(({ length }) => (total += length) <= limit);
    await writeFile(input, Buffer.concat(parts.map((part) => gzipSync(part))));
    const one = await ingest(input, folder, 1);
    const two = await ingest(input, folder, 2);
    if (one.shards !== two.shards) throw new Error('one worker and two give different shards');
    const megabytes = limit / 1e6;
    const scaling = {
      content_mb: megabytes,
      one_worker_mb_per_second: round(megabytes / one.seconds),
      two_workers_mb_per_second: round(megabytes / two.seconds),
      speedup: Number((one.seconds / two.seconds).toFixed(2)),
      peak_mb: [Math.round(one.peakBytes / 1e6), Math.round(two.peakBytes / 1e6)],
    };
    process.stdout.write(`${JSON.stringify(scaling)}\n`);
    return { workload: 'WET records of generated prose of 5 kB', reading, scaling };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** The whole ingest, with a hash of the shards that it writes. */
async function ingest(
  input: string,
  folder: string,
  workers: number,
): Promise<{ seconds: number; peakBytes: number; shards: string }> {
  const workspace = join(folder, `workspace-${workers}`);
  const { seconds, peakBytes, stdout } = await measureNode([
    MAIN,
    'ingest',
    input,
    `--workspace=${workspace}`,
    '--policy=gopher',
    '--tokenizer=gpt2',
    '--mask=default',
    '--json',
    `--workers=${workers}`,
  ]);
  const shards = join(workspace, 'datasets/default/shards');
  const hash = createHash('sha256');
  for (const name of (await readdir(shards)).sort()) {
    hash.update(name);
    hash.update(await readFile(join(shards, name)));
  }
  const { counts } = JSON.parse(stdout) as { counts: Record<string, number> };
  if (!(counts['kept'] > 0)) throw new Error(`nothing was kept: ${stdout}`);
  await rm(workspace, { recursive: true });
  return { seconds, peakBytes, shards: hash.digest('hex') };
}
