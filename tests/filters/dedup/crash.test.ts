/** kill -9 of a real process in the join, in flushes and compactions of the index, in commits: the next run ends identical. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Duplicate } from '../../../src/filters/dedup/dedup-index.js';
import { runDedupWriter } from '../../support/dedup-writer.js';

const POINTS = 5;
const root = mkdtempSync(join(tmpdir(), 'tokenmill-dedup-crash-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function outcome(folder: string): {
  duplicates: Duplicate[];
  documents: string;
} {
  const commits = join(folder, 'commits');
  // Beside the commits there may be one that was never finished.
  const names = readdirSync(commits).filter((name) => /^\d+\.json$/.test(name));
  const read = (name: string): Duplicate[] =>
    (JSON.parse(readFileSync(join(commits, name), 'utf8')) as { duplicates: Duplicate[] }).duplicates;
  const index = join(folder, 'index');
  const files = readdirSync(index);
  expect(files.filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  const hex = (name: string): string => readFileSync(join(index, name)).toString('hex');
  return {
    duplicates: names.flatMap(read).sort((a, b) => a.ordinal - b.ordinal),
    documents: hex('documents.bin') + hex('names.bin'),
  };
}

test(
  'whatever operation on a file it is killed in, and whatever the window',
  { timeout: 240_000 },
  async () => {
    const whole = join(root, 'whole');
    const { stdout, status, stderr } = await runDedupWriter(whole, -1, 150);
    expect(status, stderr).toBe(0);
    const expected = outcome(whole);
    expect(expected.duplicates.length).toBeGreaterThan(20);
    const operations = JSON.parse(stdout) as string[];
    // Documents of the join, runs and their merges (open, rename, then rm of the merged), commits (link).
    expect(new Set(operations)).toEqual(new Set(['open', 'rename', 'rm', 'link', 'write', 'sync']));

    // Points all over the run, and of every operation the last.
    const points = new Set(
      Array.from({ length: POINTS }, (_, i) => Math.floor(((i + 0.5) / POINTS) * operations.length)),
    );
    for (const name of new Set(operations)) {
      points.add(operations.lastIndexOf(name));
    }
    for (const point of points) {
      const folder = join(root, `killed-${point}`);
      const killed = await runDedupWriter(folder, point, 150);
      expect(killed.signal, `operation ${point}, ${operations[point]}`).toBe('SIGKILL');
      // Of some the next one is killed too, as soon as it has begun to clean up and to load.
      if (point % 2 === 1) expect((await runDedupWriter(folder, 5, 150)).signal).toBe('SIGKILL');
      const next = await runDedupWriter(folder, -1, point % 2 === 0 ? 150 : 70);
      expect(next.status, next.stderr).toBe(0);
      const { duplicates, documents } = outcome(folder);
      expect(duplicates, `killed at operation ${point}, ${operations[point]}`).toEqual(expected.duplicates);
      expect(documents).toBe(expected.documents);
      rmSync(folder, { recursive: true });
    }
  },
);
