/**
 * 20,000 seeded mutations over inputs of every kind, read as ingest reads them. Checked: none throws, none gives more records
 * than its bytes can hold, and memory ends where it was.
 */
import { Fuzzer, FUZZ_KINDS, type FuzzKind } from '../tests/support/fuzz.js';
import type { Benchmark } from './support/benchmark.js';

const MUTATIONS = 20_000;
/** A tenth of the others: each opens a DuckDB. */
const PARQUET_SHARE = 0.1;
const MAX_RECORDS = 20_000;
const MAX_GROWTH_BYTES = 300e6;

export const run: Benchmark = async ({ quick }) => {
  const total = quick ? 600 : MUTATIONS;
  const kinds = Object.keys(FUZZ_KINDS) as FuzzKind[];
  const share = total / (kinds.length - 1 + PARQUET_SHARE);
  const fuzzer = await Fuzzer.open();
  const figures: Record<string, unknown>[] = [];
  let mutations = 0;
  let before = 0;
  try {
    for (const kind of kinds) {
      const count = Math.ceil(kind === 'parquet' ? share * PARQUET_SHARE : share);
      const sum = { records: 0, documents: 0, bad: 0 };
      let slowestMs = 0;
      const started = performance.now();
      for (let seed = 0; seed < count; seed++) {
        const begun = performance.now();
        const outcome = await fuzzer.run(kind, seed).catch((error: unknown) => {
          throw new Error(`${kind}, seed ${seed}`, { cause: error });
        });
        slowestMs = Math.max(slowestMs, performance.now() - begun);
        if (outcome.records > MAX_RECORDS)
          throw new Error(`${kind}, seed ${seed}: ${outcome.records} records`);
        sum.records += outcome.records;
        sum.documents += outcome.documents;
        sum.bad += outcome.bad;
      }
      mutations += count;
      const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
      figures.push({ kind, mutations: count, ...sum, seconds, slowest_ms: Math.round(slowestMs) });
      process.stdout.write(`${JSON.stringify(figures.at(-1))}\n`);
      if (before === 0) before = process.memoryUsage.rss();
    }
  } finally {
    await fuzzer.close();
  }
  const growth = process.memoryUsage.rss() - before;
  if (growth > MAX_GROWTH_BYTES) throw new Error(`memory grew by ${growth} bytes`);
  process.stdout.write(
    `${mutations} mutations, memory grew by ${Math.round(growth / 1e6)} MB behind the first kind\n`,
  );
  return {
    workload: 'seeded mutations of small inputs',
    mutations,
    kinds: figures,
    growth_mb: Math.round(growth / 1e6),
  };
};
