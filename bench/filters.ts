/**
 * Filters: all signals, language, personal data and a policy, one thread, in CPU time; memory over many documents.
 *
 * Workload: the Markdown files of the installed packages, English, each text at most 100 kB, shuffled into documents of
 * their own; the SHA-256 says which they were. Verdicts of policy fineweb are part of it: rows go to DuckDB as in ingest.
 * Checked: two passes give the same values; the resident set does not grow from the second pass to the last.
 *
 * Peer: the four filters of FineWeb of datatrove in Python, words split at white space, where TOKENMILL_PYTHON and
 * TOKENMILL_DATATROVE (its folder `src/datatrove`) are set; they see a part of the documents.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { SignalsRow } from '../src/filters/signals/table.js';
import type { Benchmark } from './support/benchmark.js';
import { documentationTexts } from './support/texts.js';

/** The compiled code, which is what people run; types are those of the source. */
async function compiled<Module>(path: string): Promise<Module> {
  return (await import(new URL(`../dist/${path}`, import.meta.url).href)) as Module;
}
const { detectLanguage } = await compiled<typeof import('../src/filters/language/detect.js')>(
  'filters/language/detect.js',
);
const { applyPolicy, loadPolicy } =
  await compiled<typeof import('../src/filters/policy.js')>('filters/policy.js');
const { scanText } = await compiled<typeof import('../src/filters/scan/scan.js')>('filters/scan/scan.js');
const { measureSignals, SIGNAL_FAMILIES, SIGNALS } =
  await compiled<typeof import('../src/filters/signals/index.js')>('filters/signals/index.js');
const { appendSignals, createSignalsTable } =
  await compiled<typeof import('../src/filters/signals/table.js')>('filters/signals/table.js');
const { openDatabase } = await compiled<typeof import('../src/store/database.js')>('store/database.js');

const PEER = fileURLToPath(new URL('peers/filters.py', import.meta.url));
const PASSES = 6;
const PEER_BYTES = 1_000_000;
const ALLOWED_GROWTH = 64e6;

export const run: Benchmark = async ({ quick }) => {
  const texts = await documentationTexts();
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const corpus = createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 16);
  process.stdout.write(
    `${texts.length} documents, ${(bytes / 1e6).toFixed(1)} MB, corpus ${corpus}, ${SIGNALS.length} signals\n`,
  );
  const database = await openDatabase({ threads: 1 });
  const policy = await loadPolicy('fineweb');
  let fastest = Number.POSITIVE_INFINITY;
  let first: string | undefined;
  let settled = 0;
  try {
    for (let pass = 0; pass < (quick ? 2 : PASSES); pass++) {
      const before = process.cpuUsage();
      const rows = texts.map((text, ordinal): SignalsRow => {
        const { language, score } = detectLanguage(text);
        const url = 'https://example.org/';
        return {
          ordinal,
          url,
          language,
          languageScore: score,
          signals: measureSignals(text, { url, language }),
        };
      });
      await createSignalsTable(database.connection, 'signals');
      await appendSignals(database.connection, 'signals', rows);
      await applyPolicy(database.connection, policy, { signalsTable: 'signals', verdictsTable: 'verdicts' });
      const { user, system } = process.cpuUsage(before);
      fastest = Math.min(fastest, (user + system) / 1e6);
      const values = createHash('sha256').update(JSON.stringify(rows)).digest('hex');
      first ??= values;
      if (values !== first) throw new Error('a second pass gave other values');
      if (pass === 1) settled = process.memoryUsage.rss();
    }
  } finally {
    database.close();
  }
  const speed = bytes / 1e6 / fastest;
  const growth = process.memoryUsage.rss() - settled;
  process.stdout.write(
    `all signals, language, personal data and policy: ${speed.toFixed(1)} MB/s of CPU time; memory grew by ${(growth / 1e6).toFixed(0)} MB over ${PASSES - 2} more passes\n`,
  );
  if (!quick && growth > ALLOWED_GROWTH) throw new Error(`memory grew by ${growth} bytes`);
  return {
    corpus,
    megabytes: bytes / 1e6,
    signals: SIGNALS.length,
    megabytes_per_second: speed,
    memory_growth_megabytes: growth / 1e6,
    nanoseconds_per_byte: familyTimes(texts, bytes),
    peer: peer(texts, speed),
  };
};

/** Time of each family by itself, in wall-clock time of one pass. */
function familyTimes(texts: readonly string[], bytes: number): Record<string, number> {
  const times = new Map<string, number>();
  const timed = <Result>(name: string, work: () => Result): Result => {
    const started = process.hrtime.bigint();
    const result = work();
    times.set(name, (times.get(name) ?? 0) + Number(process.hrtime.bigint() - started));
    return result;
  };
  for (const text of texts) {
    const { language } = timed('language', () => detectLanguage(text));
    const scan = timed('words and lines', () => scanText(text));
    timed('pieces', () => scan.pieces);
    timed('unicode words', () => scan.unicodeWords);
    timed('physical lines', () => scan.physicalLines);
    for (const [name, family] of Object.entries(SIGNAL_FAMILIES)) {
      timed(name, () => family.measure(scan, [], { url: null, language, lists: undefined }));
    }
  }
  const figures = [...times].map(([name, nanoseconds]): [string, number] => [
    name,
    Math.round((nanoseconds / bytes) * 10) / 10,
  ]);
  for (const [name, each] of figures)
    process.stdout.write(`  ${name.padEnd(16)} ${each.toFixed(1)} ns a byte\n`);
  return Object.fromEntries(figures);
}

function peer(texts: readonly string[], speed: number): Record<string, number> | null {
  const python = process.env['TOKENMILL_PYTHON'];
  const source = process.env['TOKENMILL_DATATROVE'];
  if (python === undefined || source === undefined) return null;
  let bytes = 0;
  const lines: string[] = [];
  for (const text of texts) {
    if (bytes > PEER_BYTES) break;
    bytes += Buffer.byteLength(text);
    lines.push(JSON.stringify({ text }));
  }
  const result = spawnSync(python, [PEER, 'speed', source], {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  if (result.status !== 0) throw new Error(result.stderr);
  const { megabytes_per_second } = JSON.parse(result.stdout) as { megabytes_per_second: number };
  process.stdout.write(
    `datatrove's four filters of FineWeb, words split at white space: ${megabytes_per_second.toFixed(2)} MB/s; ratio ${(speed / megabytes_per_second).toFixed(0)}\n`,
  );
  return { megabytes_per_second, ratio: speed / megabytes_per_second };
}
