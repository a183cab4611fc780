/** A workspace with a small dataset `crawl` of several commits, files and shards, made by the real ingest. */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { tokenmill } from '../support/cli.js';

/** As a person in the package's folder gives them: ids and the split come from names, which no clone's path may change. */
export const WARC = 'fixtures/crawl/pages-02.warc';
export const NOTES = 'fixtures/crawl/notes.jsonl';

/**
 * A workspace of the test file's own with the dataset. The first file of a run makes the dataset, the others wait for it
 * and take copies. It goes with the run's folder for temporary files.
 */
export async function crawlWorkspace(): Promise<string> {
  const shared = join(tmpdir(), `tokenmill-crawl-${process.ppid}`);
  const outcome = join(shared, 'outcome');
  const first = await mkdir(shared).then(
    () => true,
    () => false,
  );
  if (first) {
    const sizes = ['--window', '40KB', '--shard-tokens', '8000', '--workers', '1'];
    const into = ['--workspace', shared, '--dataset', 'crawl', '--tokenizer', 'gpt2'];
    const result = await tokenmill(['ingest', WARC, NOTES, ...into, ...sizes]);
    await writeFile(outcome, result.stderr);
    if (result.status !== 0) throw new Error(result.stderr);
  }
  while (!existsSync(outcome)) await setTimeout(50);
  const workspace = await mkdtemp(join(tmpdir(), 'tokenmill-workspace-'));
  await cp(shared, workspace, { recursive: true });
  return workspace;
}
