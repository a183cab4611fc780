/**
 * The first-wins join, document by document in windows of 10,000, of 100,000 to 10 million documents (`dedup-join-large`) with 14 bands and an
 * exact key each, each size in a process of its own. Checked: every planted duplicate, and nothing else, is found, with
 * the right original. `growth` is the cost of a document at the largest size against the smallest; n log n allows
 * log(10 million) / log(100,000) = 1.4.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureNode, type Benchmark } from './support/benchmark.js';

const CHILD = fileURLToPath(new URL('support/join-documents.ts', import.meta.url));
/** Of the index; the whole process is measured. */
const MEMORY = 512_000_000;

interface Figures {
  readonly documents: number;
  readonly keys: number;
  readonly seconds: number;
  readonly disk_bytes: number;
  readonly steps: unknown;
}

export const run: Benchmark = ({ quick }) => measure(quick ? [20_000, 100_000] : [100_000, 1_000_000]);

/** The largest size takes minutes, so it has a name of its own. */
export const runLarge: Benchmark = ({ quick }) => measure(quick ? [20_000, 200_000] : [100_000, 10_000_000]);

async function measure(sizes: readonly number[]): Promise<Record<string, unknown>> {
  const runs: Record<string, unknown>[] = [];
  const costs: number[] = [];
  for (const documents of sizes) {
    const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
    try {
      const { stdout, peakBytes } = await measureNode([
        '--import',
        'tsx',
        CHILD,
        folder,
        String(documents),
        String(MEMORY),
      ]);
      const { keys, seconds, disk_bytes, steps } = JSON.parse(stdout) as Figures;
      const microseconds = (seconds / documents) * 1e6;
      costs.push(microseconds);
      const row = {
        documents,
        keys,
        seconds: Number(seconds.toFixed(1)),
        microseconds_each: Number(microseconds.toFixed(1)),
        peak_mb: Math.round(peakBytes / 1e6),
        disk_mb: Math.round(disk_bytes / 1e6),
      };
      process.stdout.write(`${JSON.stringify(row)}\n`);
      runs.push({ ...row, steps });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const growth = Number((costs[costs.length - 1] / costs[0]).toFixed(2));
  process.stdout.write(`cost of a document, largest against smallest: ${growth}\n`);
  return {
    workload:
      '14 bands and one exact key a document, a tenth near-duplicates, windows of 10,000, index memory 512 MB',
    runs,
    growth,
  };
}
