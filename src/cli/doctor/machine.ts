/** Whether the machine can do the work: runtime, native libraries, engine, GPU, memory, limits. Nothing here writes. */
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '../../core/format.js';
import { packageFile, packageVersion } from '../../core/paths.js';
import { silentLog } from '../../core/log.js';
import { openDatabase } from '../../store/database.js';
import { openEngine } from '../../trainer/engine.js';
import { gemm } from '../../trainer/graph/build.js';
import { Graph } from '../../trainer/graph/graph.js';
import { fail, look, ok, warn, type Finding } from './finding.js';

/** Less free memory than this is little for an ingest with its default settings. */
const LITTLE_MEMORY = 1e9;
/** Open files: an ingest or a service with many clients holds hundreds. */
const FEW_FILES = 1024;
const REINSTALL = 'install again with npm ci; on musl (Alpine) there are no binaries of it';

export async function checkMachine(): Promise<Finding[]> {
  const looks = [
    look('node', checkNode),
    look('tokenmill', () => ok('tokenmill', packageVersion())),
    look('duckdb', checkDuckdb, REINSTALL),
    look('onnxruntime', checkRuntime, REINSTALL),
    look('engine', checkEngine, REINSTALL),
    look('gpu', checkGpu),
    look('memory', () => checkMemory(availableMemory())),
    look('open files', checkOpenFiles),
  ];
  return (await Promise.all(looks)).flat();
}

async function checkNode(): Promise<Finding> {
  const { engines } = JSON.parse(await readFile(packageFile('package.json'), 'utf8')) as {
    engines: { node: string };
  };
  return compareNode(process.versions.node, engines.node.replace('>=', ''));
}

/** @param least as in package.json: 20.19.0 */
export function compareNode(version: string, least: string): Finding {
  const parts = (text: string): number[] => text.split('.').map(Number);
  const [have, want] = [parts(version), parts(least)];
  const place = want.findIndex((part, index) => have[index] !== part);
  if (place === -1 || have[place] > want[place]) return ok('node', version);
  return fail('node', `${version} is older than ${least}`, `install Node ${least} or later`);
}

async function checkDuckdb(): Promise<Finding> {
  const database = await openDatabase();
  try {
    const reader = await database.connection.runAndReadAll('SELECT version() AS version');
    return ok('duckdb', String(reader.getRowObjects()[0]['version']));
  } finally {
    database.close();
  }
}

async function checkRuntime(): Promise<Finding> {
  const { env, listSupportedBackends } = await import('onnxruntime-node');
  const names = listSupportedBackends().map(({ name, bundled }) =>
    bundled ? name : `${name} (not bundled)`,
  );
  return ok('onnxruntime', `${env.versions.node}, providers: ${names.join(', ')}`);
}

/** Runs a product whose result is known: 1*3 + 2*4 = 11. */
async function checkEngine(): Promise<Finding> {
  const engine = await openEngine({ engine: 'onnx', device: 'cpu' }, silentLog);
  const graph = new Graph();
  const product = gemm(graph.input('a', [1, 2], 'float32'), graph.input('b', [2, 1], 'float32'));
  const program = await engine.compile({ graph, outputs: { product }, bindings: [] }, {});
  try {
    const { product: result } = await program.run({ a: Float32Array.of(1, 2), b: Float32Array.of(3, 4) });
    if (result[0] === 11) return ok('engine', `onnx runs on the CPU, ${availableParallelism()} cores`);
    return fail('engine', `onnx computes ${result[0]}, not 11`, 'report it with your CPU: it should not be');
  } finally {
    await program.dispose();
  }
}

async function checkGpu(): Promise<Finding> {
  const found = await gpuAdapters();
  return ok('gpu', found.length === 0 ? 'no adapter found: the CPU does the work' : found.join(', '));
}

/** Names of NVIDIA's adapters, and other render nodes by the ids of their vendor and device. Linux only. */
async function gpuAdapters(): Promise<string[]> {
  const names: string[] = [];
  const nvidia = '/proc/driver/nvidia/gpus';
  for (const entry of await readdir(nvidia).catch(() => [])) {
    const text = await readFile(join(nvidia, entry, 'information'), 'utf8').catch(() => '');
    names.push(/^Model:\s*(.+)$/m.exec(text)?.[1] ?? 'an NVIDIA adapter');
  }
  const nodes = await readdir('/sys/class/drm').catch(() => []);
  for (const node of nodes.filter((name) => name.startsWith('renderD')).sort()) {
    const device = join('/sys/class/drm', node, 'device');
    const read = (file: string): Promise<string> =>
      readFile(join(device, file), 'utf8').then(
        (text) => text.trim(),
        () => '?',
      );
    const vendor = await read('vendor');
    if (vendor !== '0x10de' || names.length === 0) names.push(`${node} (${vendor}:${await read('device')})`);
  }
  return names;
}

interface Memory {
  readonly total: number;
  readonly free: number;
}

/** Of the container where there is a limit, else of the machine. */
function availableMemory(): Memory {
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  return { total, free: Math.min(total, process.availableMemory?.() ?? freemem()) };
}

export function checkMemory({ total, free }: Memory): Finding {
  const message = `${formatBytes(free)} of ${formatBytes(total)} free`;
  if (free >= LITTLE_MEMORY) return ok('memory', message);
  return warn('memory', message, 'ingest with fewer --workers and a smaller --memory and --window');
}

async function checkOpenFiles(): Promise<Finding> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  return openFilesFinding(/^Max open files\s+(\S+)/m.exec(text)?.[1]);
}

/** @param limit as /proc/self/limits has it; undefined where there is none */
export function openFilesFinding(limit: string | undefined): Finding {
  if (limit === undefined) return ok('open files', 'the limit is not known here');
  if (limit === 'unlimited' || Number(limit) >= FEW_FILES) return ok('open files', `up to ${limit}`);
  return warn('open files', `up to ${limit}`, `raise the limit: ulimit -n ${4 * FEW_FILES}`);
}
