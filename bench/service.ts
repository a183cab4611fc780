/**
 * The service under load: 200 clients over loopback that each ask again as soon as they have their answer: half for
 * documents (pages with and without filters, single ones), a quarter SQL, a quarter for the events of a job from the
 * first to the last. The data came in as a corpus over HTTP and was ingested by a job of the service.
 *
 * Checked: every answer is complete and right in form, no error, and memory is flat: in the last ten of the ninety
 * seconds not a tenth above what it was after one minute. Clients and service share the machine, so latencies are
 * those of a full machine. Memory is the resident set of the service's processes: its own, and those that it starts.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/core/random.js';
import { prose } from '../tests/support/corpus.js';
import type { Benchmark } from './support/benchmark.js';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const CLIENTS = 200;
const SECONDS = 90;
const PAGE = 50;
/** Memory at the end against memory after one minute. */
const MAX_GROWTH = 1.1;
const QUERIES = [
  'SELECT verdict, reason, count(*) AS documents FROM documents GROUP BY ALL ORDER BY ALL',
  'SELECT language, avg(tokens) AS tokens FROM documents GROUP BY ALL ORDER BY ALL',
  "SELECT count(*) AS documents FROM documents WHERE verdict = 'keep' AND word_count > 400",
  'SELECT dataset, split, sum(tokens) AS tokens FROM shards GROUP BY ALL ORDER BY ALL',
];

type Kind = 'documents' | 'sql' | 'events';

export const run: Benchmark = async ({ quick }) => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  const service = await start(folder);
  try {
    const { documents, job } = await load(service.url, quick ? 500_000 : 10_000_000);
    const seconds = quick ? 5 : SECONDS;
    const latencies: Record<Kind, number[]> = { documents: [], sql: [], events: [] };
    const started = performance.now();
    const until = started + seconds * 1000;
    const memory = watchMemory(service.child.pid as number, until);
    await Promise.all(
      Array.from({ length: CLIENTS }, (_, index) => client(service.url, index, job, latencies, until)),
    );
    // The last answers come after the end.
    const elapsed = (performance.now() - started) / 1000;
    const samples = await memory;
    const figures = {
      workload: `${CLIENTS} clients for ${seconds} s: half documents, a quarter SQL, a quarter events; ${documents} documents`,
      load_average: Number(loadavg()[0].toFixed(1)),
      errors: 0,
      latency_ms: Object.fromEntries(
        Object.entries(latencies).map(([kind, values]) => [kind, summary(values, elapsed)]),
      ),
      memory_mb: memoryFigures(samples, seconds),
    };
    process.stdout.write(`${JSON.stringify(figures, null, 1)}\n`);
    checkMemory(samples, seconds);
    return figures;
  } finally {
    const ended = new Promise((resolve) => service.child.once('close', resolve));
    service.child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
};

async function start(folder: string): Promise<{ url: string; child: ChildProcess }> {
  const args = ['serve', '--workspace', join(folder, 'workspace'), '--port', '0', '--rate-limit', '0'];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const found = /^listening on (\S+)$/m.exec(text);
      if (found !== null) resolve(found[1]);
    });
    child.on('close', () => reject(new Error('the service did not start')));
  });
  return { url, child };
}

/** Uploads a corpus and ingests it. */
async function load(url: string, bytes: number): Promise<{ documents: number; job: string }> {
  const random = new Random(1);
  const lines: string[] = [];
  for (let written = 0; written < bytes; written += lines[lines.length - 1].length) {
    lines.push(`${JSON.stringify({ id: lines.length, text: prose(random, 200 + random.below(600)) })}\n`);
  }
  await answer(`${url}/v1/corpora/bench/files/prose.jsonl`, { method: 'PUT', body: lines.join('') });
  const request = { kind: 'ingest', corpus: 'bench', dataset: 'bench', tokenizer: 'gpt2', window: 1_000_000 };
  const { id } = JSON.parse(
    await answer(`${url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    }),
  ) as { id: string };
  await events(url, id);
  const dataset = JSON.parse(await answer(`${url}/v1/datasets/bench`)) as { documents: number };
  if (dataset.documents !== lines.length)
    throw new Error(`${dataset.documents} of ${lines.length} documents`);
  return { documents: dataset.documents, job: id };
}

/** The text of a response that must be a success. */
async function answer(url: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${init?.method ?? 'GET'} ${url}: ${response.status} ${text}`);
  return text;
}

/** Follows a job to its end, which must be a success. */
async function events(url: string, job: string): Promise<void> {
  const text = await answer(`${url}/v1/jobs/${job}/events`);
  const last = /\ndata: (.*)\n\n$/.exec(text)?.[1] ?? '';
  if (!text.endsWith('\n\n') || !last.includes('"succeeded"'))
    throw new Error(`job ${job} ended with ${last}`);
}

async function client(
  url: string,
  index: number,
  job: string,
  latencies: Record<Kind, number[]>,
  until: number,
): Promise<void> {
  const kind: Kind = index % 2 === 0 ? 'documents' : index % 4 === 1 ? 'sql' : 'events';
  const ask = {
    documents: documentReader(url, index),
    sql: sqlReader(url, index),
    events: () => events(url, job),
  }[kind];
  while (performance.now() < until) {
    const started = performance.now();
    await ask();
    latencies[kind].push(performance.now() - started);
  }
}

/** Pages through the documents, and looks at one of each page. */
function documentReader(url: string, index: number): () => Promise<void> {
  const base = `${url}/v1/datasets/bench/documents`;
  const filter = ['', '&verdict=keep', '&language=en', '&text=river'][(index / 2) % 4];
  let cursor = '';
  let single: string | undefined;
  return async () => {
    if (single !== undefined) {
      const document = JSON.parse(await answer(`${base}/${single}`)) as { document_id: string };
      if (document.document_id !== single)
        throw new Error(`asked for ${single}, got ${document.document_id}`);
      single = undefined;
      return;
    }
    const page = JSON.parse(await answer(`${base}?limit=${PAGE}${filter}${cursor}`)) as {
      items: { document_id: string }[];
      next_cursor: string | null;
    };
    single = page.items[0]?.document_id;
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
  };
}

/** Asks one query after the other; each must give what it gave the first time. */
function sqlReader(url: string, index: number): () => Promise<void> {
  const before = new Map<string, string>();
  let turn = index;
  return async () => {
    const sql = QUERIES[turn++ % QUERIES.length];
    const rows = await answer(`${url}/v1/sql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ sql }),
    });
    if (!Array.isArray(JSON.parse(rows)) || (before.get(sql) ?? rows) !== rows)
      throw new Error(`${sql}: ${rows}`);
    before.set(sql, rows);
  };
}

interface Sample {
  readonly second: number;
  readonly own: number;
  readonly children: number;
}

/** Resident sets in bytes, each second. */
async function watchMemory(pid: number, until: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (performance.now() < until) {
    await setTimeout(1000);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    samples.push({
      second: samples.length + 1,
      own: residentBytes(String(pid)),
      children: children.reduce((sum, child) => sum + residentBytes(child), 0),
    });
  }
  return samples;
}

function residentBytes(pid: string): number {
  try {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(match?.[1] ?? 0) * 1024;
  } catch {
    // A child that has ended meanwhile.
    return 0;
  }
}

function summary(values: number[], seconds: number): Record<string, number> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => Number(sorted[Math.floor(share * (sorted.length - 1))].toFixed(1));
  return {
    answers: sorted.length,
    per_second: Math.round(sorted.length / seconds),
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  };
}

/** Means of the ten seconds that end with `second`, in MB. */
function meanAt(samples: readonly Sample[], second: number): { own: number; children: number } {
  const last = samples.filter((sample) => sample.second > second - 10 && sample.second <= second);
  const mean = (key: 'own' | 'children'): number =>
    Math.round(last.reduce((sum, sample) => sum + sample[key], 0) / last.length / 1e6);
  return { own: mean('own'), children: mean('children') };
}

function memoryFigures(samples: readonly Sample[], seconds: number): Record<string, object> {
  const marks = [10, 30, 60, 90, seconds].filter((second) => second <= samples.length);
  return Object.fromEntries(
    (marks.length === 0 ? [samples.length] : marks).map((second) => [`${second}s`, meanAt(samples, second)]),
  );
}

function checkMemory(samples: readonly Sample[], seconds: number): void {
  if (seconds < SECONDS) return;
  const [early, late] = [60, samples.length].map((second) => meanAt(samples, second));
  for (const key of ['own', 'children'] as const) {
    if (late[key] > early[key] * MAX_GROWTH) {
      throw new Error(`memory (${key}) grew from ${early[key]} MB after one minute to ${late[key]} MB`);
    }
  }
}
