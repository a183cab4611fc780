/**
 * Extraction of main text from real pages: how much of what an annotator marked as text is found and how much of what
 * was marked as none is left out, and speed. Beside it, in the same process, @mozilla/readability on linkedom.
 *
 * The pages are not part of the project: TOKENMILL_WEB_PAGES names a folder with them (or with pages.tar.xz) and with
 * gold.json, which has for each page its url, segments that must be kept (`with`) and that must go (`without`), as
 * the evaluation of trafilatura has them. A segment that is found counts as it stands; nothing is normalised.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';
import { extractPage } from '../src/ingest/formats/page.js';
import type { Benchmark } from './support/benchmark.js';

interface Page {
  readonly name: string;
  readonly url: string;
  readonly with: readonly string[];
  readonly without: readonly string[];
  readonly bytes: Buffer;
}

/** Rounds over all pages that are timed, after one that warms up. */
const ROUNDS = 7;
/** Pages that warm the peer up; it takes so long that its one round is that which is scored. */
const PEER_WARM_UP = 30;

export const run: Benchmark = async ({ quick }) => {
  const folder = process.env['TOKENMILL_WEB_PAGES'];
  if (folder === undefined || folder === '') {
    throw new Error('TOKENMILL_WEB_PAGES names no folder: set it to one with gold.json and pages.tar.xz');
  }
  const all = await readPages(folder);
  const pages = quick ? all.slice(0, 40) : all;
  const bytes = pages.reduce((sum, page) => sum + page.bytes.length, 0);
  const ours = (page: Page): string => extractPage(page.bytes, { url: page.url }).text;
  const mine = pages.map(ours);
  pages.slice(0, PEER_WARM_UP).forEach(readability);
  const peer: string[] = [];
  const peerRate = rate(bytes, 1, () => {
    for (const page of pages) peer.push(readability(page));
  });
  const quality = {
    tokenmill: score(pages, mine),
    // Rules that only fit the pages they were made on would show as a gap between the halves.
    tokenmill_half_0: score(pages, mine, 0),
    tokenmill_half_1: score(pages, mine, 1),
    readability: score(pages, peer),
  };
  const speed = {
    tokenmill: rate(bytes, ROUNDS, () => pages.forEach(ours)),
    readability: peerRate,
  };
  const figures = {
    workload: `${pages.length} real pages, ${(bytes / 1e6).toFixed(1)} MB of HTML`,
    quality,
    mb_per_cpu_second: speed,
    times_readability: Number((speed.tokenmill / speed.readability).toFixed(1)),
    peak_mb: Math.round(process.resourceUsage().maxRSS / 1000),
  };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  return figures;
};

async function readPages(folder: string): Promise<Page[]> {
  const gold = JSON.parse(await readFile(join(folder, 'gold.json'), 'utf8')) as Record<
    string,
    Pick<Page, 'url' | 'with' | 'without'>
  >;
  const archive = join(folder, 'pages.tar.xz');
  const packed = await access(archive).then(
    () => true,
    () => false,
  );
  const unpacked = packed ? await mkdtemp(join(tmpdir(), 'tokenmill-pages-')) : folder;
  try {
    if (packed) await promisify(execFile)('tar', ['-xJf', archive, '-C', unpacked]);
    return await Promise.all(
      Object.entries(gold).map(async ([name, page]) => ({
        ...page,
        name,
        bytes: await readFile(join(unpacked, name)),
      })),
    );
  } finally {
    if (packed) await rm(unpacked, { recursive: true });
  }
}

/** What one does with these packages: pages are taken to be UTF-8, and one that breaks the parser has no text. */
function readability(page: Page): string {
  try {
    const { document } = parseHTML(page.bytes.toString('utf8'));
    return (
      new Readability(document as unknown as ConstructorParameters<typeof Readability>[0]).parse()
        ?.textContent ?? ''
    );
  } catch {
    return '';
  }
}

/** @param half only pages whose name's hash ends in this bit */
function score(
  pages: readonly Page[],
  texts: readonly string[],
  half?: number,
): { precision: number; recall: number; f: number } {
  let [found, missing, unwanted] = [0, 0, 0];
  pages.forEach((page, index) => {
    if (half !== undefined && (createHash('sha1').update(page.name).digest()[0] & 1) !== half) return;
    const kept = page.with.filter((segment) => texts[index].includes(segment)).length;
    found += kept;
    missing += page.with.length - kept;
    unwanted += page.without.filter((segment) => texts[index].includes(segment)).length;
  });
  const precision = found / (found + unwanted);
  const recall = found / (found + missing);
  const f = (2 * precision * recall) / (precision + recall);
  return { precision: round(precision), recall: round(recall), f: round(f) };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

/** MB of HTML a second of CPU time: the median of rounds over all pages. */
function rate(bytes: number, rounds: number, round: () => void): number {
  const rates = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    round();
    const { user, system } = process.cpuUsage(before);
    return bytes / (user + system);
  }).sort((a, b) => a - b);
  return Number(rates[rounds >> 1].toFixed(1));
}
