/**
 * Filters: all signals, language, personal data and a policy, one thread, in CPU time; memory over 10 and 100 MB.
 *
 * Workload, a crawl as ingest sees it: English documentation of the machine (manual pages, /usr/share/doc) without repeated
 * lines, cut into documents of the lengths of web pages in an order by their hashes; a first part warms up, and the rest,
 * which is longer, is measured in one pass, each document seen once. It needs a machine that has some 16 MB of them.
 * And the Markdown files of the installed packages, English, each text at most 100 kB; the SHA-256 says which they were. Half
 * of them is measured when it is seen for the first time, and again when all its words are known.
 * Rows go to DuckDB and verdicts of policy fineweb come back, as in ingest, which judges a window of documents at a time.
 * Checked: every pass gives the same values; the peak of the resident set over 100 MB of texts, each with new words, is
 * hardly more than over the first 10 MB.
 *
 * Peer: the four filters of FineWeb of datatrove, its own word and sentence splitters (spaCy) included, and again with
 * words split at white space, over the first documents of the measured half, warm, in CPU time of its process. It runs
 * where TOKENMILL_PYTHON, which must have datatrove's dependencies, and TOKENMILL_DATATROVE (its folder `src/datatrove`)
 * are set.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { SignalsRow } from '../src/filters/signals/table.js';
import type { Benchmark } from './support/benchmark.js';
import { documentationTexts } from './support/texts.js';
import { documentationCorpus } from './tokenizer-corpus.js';

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
const WARM_PASSES = 6;
/** Rows that are judged at a time. */
const WINDOW = 2000;
const KNOWN_PASSES = 5;
const PEER_BYTES = 300_000;
const SHORT_BYTES = 10e6;
const LONG_BYTES = 100e6;
const ALLOWED_GROWTH = 48e6;
/** Of the documentation: bytes that warm up, and bytes that are measured. */
const CRAWL_WARM_BYTES = 6e6;
const CRAWL_BYTES = 16e6;
const MIN_CRAWL_BYTES = 10e6;
/** Lengths of its documents: 500 characters and more, by the third power of an even distribution; 6,500 in the mean. */
const SHORTEST = 500;
const LONGER = 24_000;

export const run: Benchmark = async ({ quick }) => {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const byHash = new Map((await documentationTexts()).map((text) => [sha256(text), text]));
  const texts = [...byHash.keys()].sort().map((hash) => byHash.get(hash) as string);
  const half = Math.floor(texts.length / 2);
  const warming = texts.slice(0, half);
  const measured = texts.slice(half);
  const peers = startOf(measured, PEER_BYTES);
  const corpus = sha256(texts.join('\0')).slice(0, 16);
  process.stdout.write(
    `${measured.length} of ${texts.length} documents, ${(bytesOf(measured) / 1e6).toFixed(1)} MB, corpus ${corpus}, ${SIGNALS.length} signals\n`,
  );
  const database = await openDatabase({ threads: 1 });
  try {
    const policy = await loadPolicy('fineweb');
    const pass = (documents: readonly string[]): { seconds: number; rows: SignalsRow[] } => {
      const before = process.cpuUsage();
      const rows = documents.map((text, ordinal): SignalsRow => {
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
      return { seconds: secondsSince(before), rows };
    };
    /** Seconds a document that DuckDB takes for the table and the verdicts of a window of so many rows. */
    const judge = async (rows: readonly SignalsRow[]): Promise<number> => {
      const window = Array.from({ length: WINDOW }, (_, i) => ({ ...rows[i % rows.length], ordinal: i }));
      const before = process.cpuUsage();
      await createSignalsTable(database.connection, 'signals');
      await appendSignals(database.connection, 'signals', window);
      await applyPolicy(database.connection, policy, { signalsTable: 'signals', verdictsTable: 'verdicts' });
      return secondsSince(before) / WINDOW;
    };
    for (let i = 0; i < (quick ? 2 : WARM_PASSES); i++) pass(warming);
    const crawl = quick ? null : onePass(pass);
    const first = pass(peers);
    const rest = pass(measured.slice(peers.length));
    await judge(first.rows);
    const judging = await judge(rest.rows);
    const values = sha256(
      JSON.stringify([
        ...first.rows.map(({ signals }) => signals),
        ...rest.rows.map(({ signals }) => signals),
      ]),
    );
    let fastest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < (quick ? 1 : KNOWN_PASSES); i++) {
      const { seconds, rows } = pass(measured);
      if (sha256(JSON.stringify(rows.map(({ signals }) => signals))) !== values)
        throw new Error('a second pass gave other values');
      fastest = Math.min(fastest, seconds);
    }
    const asCrawled = crawl && crawl.bytes / 1e6 / (crawl.seconds + judging * crawl.documents);
    if (asCrawled !== null) {
      process.stdout.write(
        `all signals, language, personal data and policy, each document seen once: ${asCrawled.toFixed(1)} MB/s of CPU time\n`,
      );
    }
    const megabytes = bytesOf(measured) / 1e6;
    const fresh = megabytes / (first.seconds + rest.seconds + judging * measured.length);
    const known = megabytes / (fastest + judging * measured.length);
    process.stdout.write(
      `all signals, language, personal data and policy, a second of CPU time: ${fresh.toFixed(1)} MB seen for the first time, ${known.toFixed(1)} MB known; table and policy ${(judging * 1e6).toFixed(0)} µs a document\n`,
    );
    return {
      corpus,
      megabytes,
      signals: SIGNALS.length,
      crawl_megabytes: crawl && crawl.bytes / 1e6,
      crawl_documents: crawl && crawl.documents,
      crawl_megabytes_per_second: asCrawled,
      megabytes_per_second: fresh,
      megabytes_per_second_known: known,
      policy_microseconds_a_document: judging * 1e6,
      nanoseconds_per_byte: familyTimes(measured, bytesOf(measured)),
      peer: peer(peers, bytesOf(peers) / 1e6 / (first.seconds + judging * peers.length)),
      memory: quick ? null : memory(texts),
    };
  } finally {
    database.close();
  }
};

interface CrawlTime {
  readonly bytes: number;
  readonly documents: number;
  readonly seconds: number;
}

/** Time of one pass over documents that are seen once, behind others; null where the machine has too few. */
function onePass(pass: (documents: readonly string[]) => { seconds: number }): CrawlTime | null {
  const text = documentationCorpus(CRAWL_WARM_BYTES + CRAWL_BYTES).toString();
  const byHash = new Map<string, string>();
  let seed = 1;
  for (let at = 0; at < text.length;) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const end = text.indexOf('\n', at + SHORTEST + Math.floor((seed / 2 ** 32) ** 3 * LONGER));
    const document = Buffer.from(text.slice(at, end < 0 ? text.length : end)).toString();
    byHash.set(createHash('sha256').update(document).digest('hex'), document);
    at = end < 0 ? text.length : end + 1;
  }
  const documents = [...byHash.keys()].sort().map((hash) => byHash.get(hash) as string);
  const warming = startOf(documents, CRAWL_WARM_BYTES);
  const measured = documents.slice(warming.length);
  const bytes = bytesOf(measured);
  if (bytes < MIN_CRAWL_BYTES) return null;
  pass(warming);
  process.stdout.write(`as crawled: ${measured.length} documents, ${(bytes / 1e6).toFixed(1)} MB\n`);
  return { bytes, documents: measured.length, seconds: pass(measured).seconds };
}

function secondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

/** The first texts, of about so many bytes together. */
function startOf(texts: readonly string[], bytes: number): string[] {
  let sum = 0;
  return texts.filter((text) => {
    const isIn = sum < bytes;
    sum += Buffer.byteLength(text);
    return isIn;
  });
}

/** Peak of the resident set after 10 MB and after 100 MB of texts, of which every tenth word is new. */
function memory(texts: readonly string[]): Record<string, number> {
  let seen = 0;
  let words = 0;
  let short = 0;
  while (seen < LONG_BYTES) {
    for (const text of texts) {
      const changed = text.replaceAll(/ /g, () => (++words % 10 === 0 ? ` w${words.toString(36)}` : ' '));
      measureSignals(changed, { language: detectLanguage(changed).language });
      seen += Buffer.byteLength(changed);
      if (short === 0 && seen > SHORT_BYTES) short = process.resourceUsage().maxRSS * 1024;
    }
  }
  const long = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(
    `peak memory: ${(short / 1e6).toFixed(0)} MB after ${SHORT_BYTES / 1e6} MB of text, ${(long / 1e6).toFixed(0)} MB after ${LONG_BYTES / 1e6} MB\n`,
  );
  if (long - short > ALLOWED_GROWTH) throw new Error(`memory grew by ${long - short} bytes`);
  return { peak_megabytes_after_10: short / 1e6, peak_megabytes_after_100: long / 1e6 };
}

/** Time of each family by itself, in wall-clock time of one pass over known documents. */
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
    const scan = timed('units', () => scanText(text));
    timed('pieces', () => scan.pieces);
    timed('lines', () => scan.lines);
    timed('sequences', () => scan.wordSequence);
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
  const result = spawnSync(python, [PEER, 'speed', source], {
    input: texts.map((text) => `${JSON.stringify({ text })}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  if (result.status !== 0) throw new Error(result.stderr);
  const { own_words, white_space } = JSON.parse(result.stdout) as Record<string, number>;
  process.stdout.write(
    `the same documents, ours: ${speed.toFixed(1)} MB/s; datatrove's four filters of FineWeb: ${own_words.toFixed(3)} MB/s, ratio ${(speed / own_words).toFixed(0)}; ` +
      `with words split at white space ${white_space.toFixed(2)} MB/s, ratio ${(speed / white_space).toFixed(0)}\n`,
  );
  return {
    megabytes: bytesOf(texts) / 1e6,
    our_megabytes_per_second: speed,
    megabytes_per_second: own_words,
    ratio: speed / own_words,
    white_space_megabytes_per_second: white_space,
    white_space_ratio: speed / white_space,
  };
}
