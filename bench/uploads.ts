/**
 * Uploads over loopback to the compiled service: a resumable upload of 1 GB by a tus client through three kills of the
 * service, and PUTs of 2 GB by curl, against a plain copy of the same file in the same run. Checked: the SHA-256 that
 * the service gives, and the bytes on disk. Peak memory is the service's, as the kernel counts it (VmHWM).
 *
 * A PUT answers when its bytes are hashed, synced and published, so both copies are given: one that only fills the page
 * cache, and one that is synced too, which promises what the service does; and what the SHA-256 alone takes. The disk decides
 * much of both; rounds alternate, and medians and bests are given. The client shares the machine's cores.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tus from 'tus-js-client';
import { sha256File } from '../src/core/hash.js';
import { median, type Benchmark } from './support/benchmark.js';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const BLOCK_BYTES = 10_000_000;
const ROUNDS = 3;
/** Of the kernel's accounts of processor time (USER_HZ). */
const TICKS_PER_SECOND = 100;
const KILLS = 3;
/** Peak memory of the service may not exceed this. */
const MAX_PEAK_MB = 300;

export const run: Benchmark = async ({ quick }) => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  try {
    const put = await putAgainstCopy(folder, quick ? 100_000_000 : 2_000_000_000, quick ? 1 : ROUNDS);
    process.stdout.write(`${JSON.stringify(put)}\n`);
    const resumed = await resume(folder, quick ? 50_000_000 : 1_000_000_000);
    process.stdout.write(`${JSON.stringify(resumed)}\n`);
    const load_average = round(loadavg()[0]);
    return {
      workload: 'random bytes over loopback, file system of the temporary folder',
      load_average,
      resumed,
      put,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Random bytes, which no file system shortens. @returns their SHA-256 */
async function writeInput(path: string, bytes: number): Promise<string> {
  const file = await open(path, 'w');
  const hash = createHash('sha256');
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let written = 0; written < bytes; written += BLOCK_BYTES) {
    randomFillSync(block);
    hash.update(block);
    await file.write(block);
  }
  await file.sync();
  await file.close();
  return hash.digest('hex');
}

interface Service {
  readonly url: string;
  readonly child: ChildProcess;
}

async function startService(workspace: string, port: number): Promise<Service> {
  const child = spawn(process.execPath, [MAIN, 'serve', '--workspace', workspace, '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const found = /^listening on (\S+)$/m.exec(text);
      if (found !== null) resolve(found[1]);
    });
    child.on('close', () => reject(new Error('the service did not start')));
  });
  return { url, child };
}

async function stopService({ child }: Service, signal: NodeJS.Signals): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill(signal);
  await ended;
}

function peakMegabytes({ child }: Service): number {
  const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
  return Math.round((Number(match?.[1]) * 1024) / 1e6);
}

/** Processor time of all threads of the service. */
function cpuSeconds({ child }: Service): number {
  const text = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
  // Behind the name of the program, which may hold anything: fields 14 and 15 are user and system time.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function resume(folder: string, bytes: number): Promise<Record<string, unknown>> {
  const input = join(folder, 'input');
  const sha256 = await writeInput(input, bytes);
  const workspace = join(folder, 'resumed');
  let service = await startService(workspace, 0);
  const port = Number(new URL(service.url).port);
  const peaks: number[] = [];
  const offsets: number[] = [];
  let kills = 0;
  let restarting: Promise<void> | undefined;
  const started = performance.now();
  await new Promise<void>((resolve, reject) => {
    // The client takes a file stream too, and reads the file from where it goes on; its types do not say so.
    const upload = new tus.Upload(createReadStream(input) as unknown as Buffer, {
      endpoint: `${service.url}/v1/uploads`,
      metadata: { corpus: 'bench', filename: 'resumed', sha256 },
      retryDelays: Array.from({ length: 100 }, () => 100),
      onProgress: (sent) => {
        if (restarting !== undefined || kills === KILLS || sent < ((kills + 1) * bytes) / (KILLS + 1)) return;
        kills += 1;
        restarting = (async () => {
          peaks.push(peakMegabytes(service));
          await stopService(service, 'SIGKILL');
          service = await startService(workspace, port);
          restarting = undefined;
        })();
        restarting.catch(reject);
      },
      onAfterResponse: (request, response) => {
        if (request.getMethod() === 'HEAD') offsets.push(Number(response.getHeader('upload-offset')));
      },
      onSuccess: () => resolve(),
      onError: reject,
    });
    upload.start();
  });
  await restarting;
  const seconds = (performance.now() - started) / 1000;
  peaks.push(peakMegabytes(service));
  await stopService(service, 'SIGTERM');
  if (kills !== KILLS) throw new Error(`${kills} kills, not ${KILLS}`);
  const found = await sha256File(join(workspace, 'uploads', 'bench', 'resumed'));
  if (found !== sha256) throw new Error(`the resumed upload has the SHA-256 ${found}, not ${sha256}`);
  await rm(workspace, { recursive: true });
  await rm(input);
  return {
    bytes,
    kills,
    resumed_at: offsets,
    sha256_equal: true,
    seconds: round(seconds),
    peak_mb: Math.max(...peaks),
  };
}

async function putAgainstCopy(
  folder: string,
  bytes: number,
  rounds: number,
): Promise<Record<string, unknown>> {
  const input = join(folder, 'input');
  const sha256 = await writeInput(input, bytes);
  const workspace = join(folder, 'put');
  const service = await startService(workspace, 0);
  const target = join(folder, 'copy');
  const seconds = {
    copy: [] as number[],
    synced_copy: [] as number[],
    sha256: [] as number[],
    put: [] as number[],
    put_cpu: [] as number[],
  };
  for (let turn = 0; turn < rounds; turn += 1) {
    seconds.copy.push(timed(() => execFileSync('cp', [input, target])));
    await settle(target);
    seconds.synced_copy.push(
      timed(() => execFileSync('sh', ['-c', 'cp "$0" "$1" && sync "$1"', input, target])),
    );
    await settle(target);
    const url = `${service.url}/v1/corpora/bench/files/round-${turn}`;
    let answer = '';
    const before = cpuSeconds(service);
    seconds.put.push(timed(() => (answer = execFileSync('curl', ['-sST', input, url]).toString())));
    seconds.put_cpu.push(round(cpuSeconds(service) - before));
    const made = JSON.parse(answer) as { sha256?: string };
    if (made.sha256 !== sha256) throw new Error(`the service answered ${answer}, not ${sha256}`);
    const path = join(workspace, 'uploads', 'bench', `round-${turn}`);
    const hashing = performance.now();
    if ((await sha256File(path)) !== sha256)
      throw new Error('the bytes on disk are not those that were sent');
    seconds.sha256.push(secondsSince(hashing));
    await settle(path);
    process.stdout.write(`round ${turn}: ${JSON.stringify(seconds)}\n`);
  }
  const peak = peakMegabytes(service);
  await stopService(service, 'SIGTERM');
  await rm(workspace, { recursive: true });
  if (peak > MAX_PEAK_MB) throw new Error(`peak memory of the service is ${peak} MB`);
  const medians = compare(bytes, seconds, median);
  // What else the machine does slows some rounds down; the best ones tell what the work itself takes.
  const best = compare(bytes, seconds, (values) => Math.min(...values));
  return { bytes, seconds, medians, best, peak_mb: peak };
}

type Seconds = Readonly<Record<'copy' | 'synced_copy' | 'sha256' | 'put' | 'put_cpu', readonly number[]>>;

function compare(
  bytes: number,
  seconds: Seconds,
  statistic: (values: readonly number[]) => number,
): Record<string, number> {
  const [copy, synced, hash, put, cpu] = [
    seconds.copy,
    seconds.synced_copy,
    seconds.sha256,
    seconds.put,
    seconds.put_cpu,
  ].map(statistic);
  return {
    put_mb_per_second: Math.round(bytes / put / 1e6),
    put_cpu_seconds_per_gb: round((cpu * 1e9) / bytes),
    copy_mb_per_second: Math.round(bytes / copy / 1e6),
    synced_copy_mb_per_second: Math.round(bytes / synced / 1e6),
    sha256_mb_per_second: Math.round(bytes / hash / 1e6),
    put_to_copy: round(copy / put),
    put_to_synced_copy: round(synced / put),
  };
}

/** Removes what was written and lets the disk come to rest, so that no measurement pays for another. */
async function settle(path: string): Promise<void> {
  await rm(path, { force: true });
  execFileSync('sync');
}

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return secondsSince(started);
}

function secondsSince(started: number): number {
  return round((performance.now() - started) / 1000);
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
