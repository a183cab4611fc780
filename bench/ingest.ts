/**
 * Ingest end to end, and whether its memory grows with the input: generated JSON lines of English-like prose with
 * duplicates, policy gopher, GPT-2 tokens, 2 workers, at two sizes. Checked: every document is accounted for, and
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

/** DuckDB's share: the default, which the index of duplicates fills slowly, and one that 50 MB of input fill already. */
const MEMORY = ['256MB', '100MB'] as const;

export const run: Benchmark = async ({ quick }) => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  const sizes = quick ? [5, 20] : [50, 500];
  const runs: { megabytes: number; memory: string; peak_mb: number }[] = [];
  try {
    for (const megabytes of sizes) {
      const input = join(folder, `${megabytes}.jsonl`);
      const documents = await writeCorpus(input, megabytes * 1e6);
      for (const memory of MEMORY) {
        const row = { megabytes, memory, documents, ...(await measure(input, documents, memory, folder)) };
        runs.push(row);
        process.stdout.write(`${JSON.stringify(row)}\n`);
      }
      await rm(input);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const growth = Object.fromEntries(
    MEMORY.map((memory) => {
      const [small, large] = runs.filter((row) => row.memory === memory);
      return [memory, Number((large.peak_mb / small.peak_mb).toFixed(2))];
    }),
  );
  process.stdout.write(`peak memory from ${sizes[0]} to ${sizes[1]} MB: ${JSON.stringify(growth)}\n`);
  return { workload: 'JSON lines of generated prose, gopher, gpt2, 2 workers', runs, peak_growth: growth };
};

async function measure(
  input: string,
  documents: number,
  memory: string,
  folder: string,
): Promise<{ seconds: number; mb_per_second: number; peak_mb: number }> {
  const workspace = join(folder, 'workspace');
  const { seconds, peakBytes, stdout } = await measureNode([
    MAIN,
    'ingest',
    input,
    `--workspace=${workspace}`,
    `--memory=${memory}`,
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
    peak_mb: Math.round(peakBytes / 1e6),
  };
}
