/**
 * Agreement of the policies gopher, gopher-repetition, c4 and fineweb with datatrove's own filters, run as they are in
 * Python; words and sentences are ours on both sides. Verdict and reason have to be equal.
 *
 * Documents: the texts of the bundled crawl, of Markdown files of installed packages, and of a folder of pages or texts
 * that TOKENMILL_DOCUMENTS names; each also cut, with lines repeated, in another order, and with lines of another
 * document, until there are enough. Needs TOKENMILL_PYTHON, and TOKENMILL_DATATROVE, datatrove's folder `src/datatrove`; TOKENMILL_PART=0/3 takes
 * the first of three parts of the documents.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/core/random.js';
import { c4CleanedText, countSentences } from '../src/filters/lines/c4-lines.js';
import { applyPolicy, loadPolicy } from '../src/filters/policy.js';
import { scanText } from '../src/filters/scan/scan.js';
import { measureSignals } from '../src/filters/signals/index.js';
import { appendSignals, createSignalsTable } from '../src/filters/signals/table.js';
import { extractMainText } from '../src/ingest/extract/extract.js';
import { openDatabase } from '../src/store/database.js';
import type { Benchmark } from './support/benchmark.js';
import { documentationTexts } from './support/texts.js';

const PEER = fileURLToPath(new URL('peers/filters.py', import.meta.url));
const WANTED = 5400;
/** A longer document is cut, each twentieth less: the reference is slow. */
const MAX_CHARACTERS = 1500;
const MAX_LONG_CHARACTERS = 8000;
const LONG_EVERY = 30;
const REQUIRED_AGREEMENT = 0.999;
const CITATION = /\[\d*\]|\[edit\]|\[citation needed\]/g;

/** Our rule by datatrove's reason. */
const REASONS: Readonly<Record<string, string>> = {
  dup_para_frac: 'duplicate_paragraphs',
  dup_para_char_frac: 'duplicate_paragraph_characters',
  dup_line_frac: 'duplicate_lines',
  dup_line_char_frac: 'duplicate_line_characters',
  ...Object.fromEntries([2, 3, 4].map((n) => [`top_${n}_gram`, `top_${n}gram`])),
  ...Object.fromEntries([5, 6, 7, 8, 9, 10].map((n) => [`duplicated_${n}_n_grams`, `duplicate_${n}grams`])),
  gopher_short_doc: 'too_few_words',
  gopher_long_doc: 'too_many_words',
  gopher_below_avg_threshold: 'words_too_short',
  gopher_above_avg_threshold: 'words_too_long',
  gopher_too_many_hashes: 'too_many_hashes',
  gopher_too_many_ellipsis: 'too_many_ellipses',
  gopher_too_many_bullets: 'too_many_bullet_lines',
  gopher_too_many_end_ellipsis: 'too_many_ellipsis_lines',
  gopher_below_alpha_threshold: 'too_few_alphabetic_words',
  gopher_enough_stop_words: 'too_few_stop_words',
  lorem_ipsum: 'lorem_ipsum',
  curly_bracket: 'curly_bracket',
  too_few_sentences: 'too_few_sentences',
  document_removed_with_badwords: 'bad_words',
  line_punct_ratio: 'too_few_punctuated_lines',
  short_line_ratio: 'too_many_short_lines',
  char_dup_ratio: 'repeated_lines',
  list_ratio: 'too_many_newlines',
};

const POLICIES = ['gopher', 'gopher-repetition', 'c4', 'fineweb'] as const;
type Verdicts = Record<(typeof POLICIES)[number], string | null>;

export const run: Benchmark = async ({ quick }) => {
  const python = process.env['TOKENMILL_PYTHON'];
  const datatrove = process.env['TOKENMILL_DATATROVE'];
  if (python === undefined || datatrove === undefined) {
    throw new Error('set TOKENMILL_PYTHON and TOKENMILL_DATATROVE');
  }
  const [part, parts] = (process.env['TOKENMILL_PART'] ?? '0/1').split('/').map(Number);
  const texts = (await documents()).slice(0, quick ? 500 : WANTED).filter((_, i) => i % parts === part);
  const ours = await judge(texts);
  const theirs = await judgeByDatatrove(texts, python, datatrove);
  const figures: Record<string, unknown> = { documents: texts.length };
  for (const policy of POLICIES) {
    const differences = texts.flatMap((text, i) =>
      ours[i][policy] === theirs[i][policy]
        ? []
        : [{ text, ours: ours[i][policy] ?? 'keep', theirs: theirs[i][policy] ?? 'keep' }],
    );
    const reasons = new Set(theirs.map((verdicts) => verdicts[policy] ?? 'keep'));
    const agreement = 1 - differences.length / texts.length;
    process.stdout.write(
      `${policy}: ${(agreement * 100).toFixed(3)}% of ${texts.length} equal, ${reasons.size} verdicts and reasons occur\n`,
    );
    for (const { text, ours: our, theirs: their } of differences.slice(0, 10)) {
      process.stdout.write(`  ${our} / ${their}: ${JSON.stringify(text.slice(0, 100))}\n`);
    }
    figures[policy] = { agreement, differences: differences.length, reasons: [...reasons].sort() };
    if (agreement < REQUIRED_AGREEMENT) throw new Error(`${policy} agrees on ${agreement} of the documents`);
  }
  return figures;
};

/** Texts as they are, then changed ones, in an order that depends on nothing but the texts. */
async function documents(): Promise<string[]> {
  const originals = (await originalTexts()).map((text, i) =>
    text.slice(0, i % LONG_EVERY === 0 ? MAX_LONG_CHARACTERS : MAX_CHARACTERS),
  );
  const random = new Random(7);
  const all = [...originals];
  for (let i = 0; all.length < WANTED; i++) {
    const text = originals[i % originals.length];
    const lines = text.split('\n');
    switch (random.below(6)) {
      case 0:
        all.push(text.slice(0, 50 + random.below(text.length)));
        break;
      case 1: {
        const start = random.below(lines.length);
        const block = lines.slice(start, start + 1 + random.below(5)).join('\n');
        all.push(`${text}\n${`${block}\n\n`.repeat(1 + random.below(6))}`.slice(-MAX_LONG_CHARACTERS));
        break;
      }
      case 2:
        all.push(lines.map((line) => (random.below(3) === 0 ? `• ${line}` : `${line}...`)).join('\n'));
        break;
      case 3: {
        const other = random.pick(originals).split('\n');
        all.push(
          lines
            .flatMap((line, index) => (index % 3 === 0 ? [line, other[index % other.length]] : [line]))
            .join('\n'),
        );
        break;
      }
      case 4: {
        const words = text.split(' ');
        const start = random.below(words.length);
        const phrase = words.slice(start, start + 2 + random.below(12)).join(' ');
        all.push(`${text} ${`${phrase} `.repeat(random.below(20))}`);
        break;
      }
      default:
        all.push(lines.filter(() => random.below(2) === 0).join(random.below(2) === 0 ? '\n' : ' '));
    }
  }
  // An empty text is an error for the reference.
  return all.filter((text) => text.trim() !== '');
}

async function originalTexts(): Promise<string[]> {
  const texts = await documentationTexts();
  const folder = process.env['TOKENMILL_DOCUMENTS'];
  if (folder !== undefined) {
    for (const name of (await readdir(folder, { recursive: true })).sort()) {
      if (!/\.(html?|txt|md)$/.test(name)) continue;
      const content = await readFile(join(folder, name), 'utf8');
      if (!/\.html?$/.test(name)) texts.push(content);
      else {
        texts.push(extractMainText(Buffer.from(content)).text);
        texts.push(
          content
            .replaceAll(/<(script|style)[\s\S]*?<\/\1>/g, '')
            .replaceAll(/<[^>]+>/g, '\n')
            .replaceAll(/\n[\s]+\n/g, '\n\n'),
        );
      }
    }
  }
  return texts.filter((text) => text.length > 100);
}

/** Reasons of our policies, all documents taken for English. */
async function judge(texts: readonly string[]): Promise<Verdicts[]> {
  const database = await openDatabase();
  try {
    const { connection } = database;
    await createSignalsTable(connection, 'signals');
    await appendSignals(
      connection,
      'signals',
      texts.map((text, ordinal) => ({
        ordinal,
        url: null,
        language: 'en',
        languageScore: 1,
        signals: measureSignals(text, { language: 'en' }),
      })),
    );
    const verdicts = texts.map((): Partial<Verdicts> => ({}));
    for (const name of POLICIES) {
      const policy = await loadPolicy(name);
      await applyPolicy(connection, policy, { signalsTable: 'signals', verdictsTable: 'verdicts' });
      const result = await connection.runAndReadAll('SELECT reason FROM verdicts ORDER BY ordinal');
      result.getRows().forEach(([reason], i) => (verdicts[i][name] = reason as string | null));
    }
    return verdicts as Verdicts[];
  } finally {
    database.close();
  }
}

async function judgeByDatatrove(
  texts: readonly string[],
  python: string,
  source: string,
): Promise<Verdicts[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  try {
    const lists = join(folder, 'bad-words.json');
    await writeFile(lists, JSON.stringify(createRequire(import.meta.url)('naughty-words')));
    const child = spawn(python, [PEER, 'verdicts', source, lists], { stdio: ['pipe', 'pipe', 'inherit'] });
    const parts: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    for (const [id, text] of texts.entries()) {
      if (!child.stdin.write(`${JSON.stringify(record(id, text))}\n`)) {
        await new Promise((resolve) => child.stdin.once('drain', resolve));
      }
    }
    child.stdin.end();
    const status = await new Promise((resolve) => child.on('close', resolve));
    if (status !== 0) throw new Error(`${PEER} ended with status ${String(status)}`);
    const lines = Buffer.concat(parts).toString().trim().split('\n');
    return lines.map((line) => {
      const given = JSON.parse(line) as Record<string, string | null>;
      const rule = (reason: string | null): string | null =>
        reason === null ? null : (REASONS[reason] ?? reason);
      return {
        gopher: rule(given['gopher']),
        'gopher-repetition': rule(given['gopher-repetition']),
        c4: rule(given['c4'] ?? given['bad_words']),
        fineweb: rule(given['fineweb']),
      };
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A document with the words and sentences that the filters will ask for. */
function record(id: number, text: string): unknown {
  const cleaned = c4CleanedText(text, { terminalPunctuation: false });
  const sentences: Record<string, number> = {};
  const { physicalLines: lines, pieces } = scanText(text);
  const stripped = Array.from({ length: lines.count }, (_, line) => {
    const first = line === 0 ? 0 : lines.pieceEnd[line - 1];
    const last = lines.pieceEnd[line];
    return first === last
      ? ''
      : text.slice(pieces.start[first], pieces.end[last - 1]).replaceAll(CITATION, '');
  });
  for (const line of stripped) {
    const { units, words } = scanText(line);
    sentences[line] = countSentences(units, words, 0, words.count);
  }
  return { id, text, words: wordsOf(text), cleaned_words: { [cleaned]: wordsOf(cleaned) }, sentences };
}

function wordsOf(text: string): string[] {
  const { words } = scanText(text);
  return Array.from({ length: words.count }, (_, i) => text.slice(words.start[i], words.end[i]));
}
