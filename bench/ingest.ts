/**
 * Ingest end to end, and whether its memory grows with the input: generated JSON lines of English-like prose with
 * duplicates, policy fineweb, language, personal data masked, MinHash, GPT-2 tokens, commits and queue, 2 workers, at three
 * sizes; CPU time is that of all threads, DuckDB's and zlib's among them. Checked: every document is accounted for, and
 * the duplicates that were planted are found.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { Random } from '../src/core/random.js';
import { prose } from '../tests/support/corpus.js';
import { measureNode, type Benchmark } from './support/benchmark.js';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Every tenth document repeats the one before it. */
const DUPLICATE_EVERY = 10;

async function writeCorpus(path: string, bytes: number): Promise<number> {
  const random = new Random(1);
  const stream = createWriteStream(path);
  let written = 0;
  let documents = 0;
  let text = '';
  while (written < bytes) {
    if (documents % DUPLICATE_EVERY !== DUPLICATE_EVERY - 1) text = prose(random, 200 + random.below(600));
    const line = `${JSON.stringify({ id: String(documents), text })}\n`;
    written += line.length;
    documents += 1;
    if (!stream.write(line)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'finish');
  return documents;
}

export const run: Benchmark = async ({ quick }) => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  // The first size ends before heaps and DuckDB's share have filled, by the second they have, and the third shows
  // whether anything grows beyond.
  const sizes = quick ? [5, 20, 60] : [50, 500, 1000];
  const runs: { megabytes: number; peak_mb: number }[] = [];
  try {
    for (const megabytes of sizes) {
      const input = join(folder, `${megabytes}.jsonl`);
      const documents = await writeCorpus(input, megabytes * 1e6);
      const row = { megabytes, documents, ...(await measure(input, documents, folder)) };
      runs.push(row);
      process.stdout.write(`${JSON.stringify(row)}\n`);
      await rm(input);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const growth = runs.slice(1).map((row, i) => ({
    from_mb: runs[i].megabytes,
    to_mb: row.megabytes,
    peak: Number((row.peak_mb / runs[i].peak_mb).toFixed(2)),
  }));
  process.stdout.write(`growth of peak memory: ${JSON.stringify(growth)}\n`);
  return { workload: 'JSON lines of generated prose, fineweb, masked, gpt2, 2 workers', runs, growth };
};

async function measure(
  input: string,
  documents: number,
  folder: string,
): Promise<{ seconds: number; mb_per_second: number; mb_per_cpu_second: number; peak_mb: number }> {
  const workspace = join(folder, 'workspace');
  const { seconds, cpuSeconds, peakBytes, stdout } = await measureNode([
    MAIN,
    'ingest',
    input,
    `--workspace=${workspace}`,
    '--policy=fineweb',
    '--mask=default',
    '--tokenizer=gpt2',
    '--workers=2',
    '--json',
  ]);
  await rm(workspace, { recursive: true });
  const { counts } = JSON.parse(stdout) as { counts: Record<string, number> };
  const duplicates = Math.floor(documents / DUPLICATE_EVERY);
  const found = counts['dropped.exact_duplicate'];
  if (
    counts['documents'] !== documents ||
    found !== duplicates ||
    counts['kept'] !== documents - duplicates
  ) {
    throw new Error(`wrong result: ${stdout}`);
  }
  const { size } = await stat(input);
  return {
    seconds: Number(seconds.toFixed(1)),
    mb_per_second: Number((size / 1e6 / seconds).toFixed(2)),
    mb_per_cpu_second: Number((size / 1e6 / cpuSeconds).toFixed(2)),
    peak_mb: Math.round(peakBytes / 1e6),
  };
}
