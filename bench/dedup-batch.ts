/**
 * The first-wins join over all signatures at once in DuckDB: 10 million documents x 14 bands under a limit of 4 GB and 2
 * threads, whole and in 14 partitions, each in a process of its own. Checked: every planted pair and nothing else.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureNode, type Benchmark } from './support/benchmark.js';

const CHILD = fileURLToPath(new URL('support/join-batch.ts', import.meta.url));
const MEMORY_LIMIT = '4GB';

export const run: Benchmark = async ({ quick }) => {
  const documents = quick ? 100_000 : 10_000_000;
  const runs: Record<string, unknown>[] = [];
  for (const partitions of [1, 14]) {
    const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
    try {
      const { stdout, peakBytes } = await measureNode([
        '--import',
        'tsx',
        CHILD,
        folder,
        String(documents),
        MEMORY_LIMIT,
        String(partitions),
      ]);
      const { seconds, spill_bytes } = JSON.parse(stdout) as { seconds: number; spill_bytes: number };
      const row = {
        documents,
        partitions,
        seconds: Number(seconds.toFixed(1)),
        peak_mb: Math.round(peakBytes / 1e6),
        spill_mb: Math.round(spill_bytes / 1e6),
      };
      process.stdout.write(`${JSON.stringify(row)}\n`);
      runs.push(row);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { workload: `Parquet signatures, 14 bands and a text hash, ${MEMORY_LIMIT}, 2 threads`, runs };
};
