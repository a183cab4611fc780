/**
 * A real process that deduplicates and commits as ingest does, and that can be made to end by SIGKILL at any of its
 * operations on files: at the n-th one, before it is done, a write to the documents of the index after half of it.
 */
import { fileURLToPath } from 'node:url';
import { run, type CliResult } from './cli.js';

const dist = (path: string): string => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href);

/**
 * Documents 0 to DOCUMENTS in windows; a window's duplicates are committed as commits/N.json; then the index may write
 * its keys. Prints the names of its operations.
 */
const PROGRAM = `
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const [folder, killAt, size] = [process.argv[1], Number(process.argv[2]), Number(process.argv[3])];
const operations = [];
const step = (name, half) => {
  if (operations.length === killAt) {
    half?.();
    process.kill(process.pid, 'SIGKILL');
    for (;;);
  }
  operations.push(name);
};
for (const name of ['open', 'rename', 'rm', 'link']) {
  const original = promises[name];
  promises[name] = (...args) => {
    step(name);
    return original(...args);
  };
}
const { writeSync, ftruncateSync, fsyncSync } = fs;
fs.writeSync = (file, data, offset) => {
  step('write', () => writeSync(file, data.subarray(0, data.length >> 1)));
  return writeSync(file, data, offset);
};
fs.ftruncateSync = (...args) => {
  step('truncate');
  return ftruncateSync(...args);
};
fs.fsyncSync = (...args) => {
  step('sync');
  return fsyncSync(...args);
};
syncBuiltinESMExports();

const { DedupIndex } = await import(${dist('filters/dedup/dedup-index.js')});
const { writeFileExclusive } = await import(${dist('core/files.js')});
const { Random } = await import(${dist('core/random.js')});

const BANDS = 8;
const random = new Random(4);
const all = Array.from({ length: 1050 }, (_, ordinal) => {
  const bands = new BigUint64Array(BANDS);
  const halves = new Uint32Array(bands.buffer);
  // Every band is shared by about one pair in the corpus.
  for (let i = 0; i < BANDS; i++) {
    halves[i * 2] = i;
    halves[i * 2 + 1] = Math.imul(random.below(300_000), 2654435769);
  }
  const text = String(random.below(20_000)).padStart(32, '0').split('').reverse().join('');
  return { ordinal, id: 'doc-' + ordinal, textHash: text, bands, minhashes: Uint32Array.from(halves.subarray(0, BANDS)) };
});

const commits = join(folder, 'commits');
fs.mkdirSync(commits, { recursive: true });
const committed = fs.readdirSync(commits).filter((name) => /^\\d+\\.json$/.test(name)).map((name) => JSON.parse(fs.readFileSync(join(commits, name), 'utf8')));
let done = committed.reduce((sum, commit) => Math.max(sum, commit.end), 0);
const index = await DedupIndex.open({ folder: join(folder, 'index'), permutations: BANDS, documents: done, memory: 1 });
index.load(all.slice(index.covered, done));
for (let n = committed.length; done < all.length; n++) {
  const window = all.slice(done, done + size);
  done += window.length;
  const duplicates = index.resolve(window);
  await writeFileExclusive(join(commits, n + '.json'), JSON.stringify({ end: done, duplicates }));
  await index.settle();
}
await index.flush();
index.close();
console.log(JSON.stringify(operations));
`;

/** @param killAt number of the operation that it does not survive; -1 for none */
export function runDedupWriter(folder: string, killAt: number, window: number): Promise<CliResult> {
  return run(
    process.execPath,
    ['--input-type=module', '-e', PROGRAM, folder, String(killAt), String(window)],
    {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
    },
  );
}
