/**
 * `npm run bench -- NAME... [--quick]`: runs benchmarks. Each names its workload, checks its result, prints throughput
 * and peak memory, and returns figures that go to bench/results/NAME.json with date and hardware.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Benchmark } from './support/benchmark.js';

const BENCHMARKS: Record<string, () => Promise<{ run: Benchmark }>> = {
  conformance: () => import('./conformance.js'),
  dedup: () => import('./dedup.js'),
  'dedup-batch': () => import('./dedup-batch.js'),
  'dedup-join': () => import('./dedup-join.js'),
  'dedup-join-large': async () => ({ run: (await import('./dedup-join.js')).runLarge }),
  extract: () => import('./extract.js'),
  fuzz: () => import('./fuzz.js'),
  ingest: () => import('./ingest.js'),
  learning: () => import('./learning.js'),
  'ingest-reading': () => import('./ingest-reading.js'),
  sql: () => import('./sql.js'),
  'sql-commits': async () => ({ run: (await import('./sql.js')).runManyCommits }),
  filters: () => import('./filters.js'),
  'filters-agreement': () => import('./filters-agreement.js'),
  service: () => import('./service.js'),
  tokenizer: () => import('./tokenizer.js'),
  'tokenizer-merges': () => import('./tokenizer-merges.js'),
  'tokenizer-large': async () => ({ run: (await import('./tokenizer-merges.js')).runLarge }),
  trainer: () => import('./trainer.js'),
  uploads: () => import('./uploads.js'),
};

const quick = process.argv.includes('--quick');
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = asked.find((name) => !(name in BENCHMARKS));
if (unknown !== undefined) {
  process.stderr.write(
    `there is no benchmark ${unknown}; there are: ${Object.keys(BENCHMARKS).join(', ')}\n`,
  );
  process.exit(2);
}

for (const name of asked.length === 0 ? Object.keys(BENCHMARKS) : asked) {
  process.stdout.write(`== ${name}${quick ? ' (quick)' : ''}\n`);
  const { run } = await BENCHMARKS[name]();
  const figures = await run({ quick });
  // A quick run only shows that the benchmark works; its figures are not worth keeping.
  if (quick) continue;
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  await mkdir(folder, { recursive: true });
  const record = {
    benchmark: name,
    date: new Date().toISOString().slice(0, 10),
    hardware: `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
    figures,
  };
  await writeFile(`${folder}${name}.json`, `${JSON.stringify(record, null, 2)}\n`);
}
