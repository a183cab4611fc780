/** A workspace with a small dataset `crawl` of several commits, files and shards, made by the real ingest. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { packageFile } from '../../src/core/paths.js';
import { tokenmill } from '../support/cli.js';

export const WARC = packageFile('fixtures/crawl/pages-02.warc');
export const NOTES = packageFile('fixtures/crawl/notes.jsonl');

/**
 * The workspace's folder. The first test file of a run makes it, the others wait for it: it is to be read, not changed.
 * It goes with the run's folder for temporary files.
 */
export async function crawlWorkspace(): Promise<string> {
  const workspace = join(tmpdir(), `tokenmill-crawl-${process.ppid}`);
  const outcome = join(workspace, 'outcome');
  try {
    await mkdir(workspace);
  } catch {
    while (!existsSync(outcome)) await setTimeout(50);
    return workspace;
  }
  const sizes = ['--window', '40KB', '--shard-tokens', '8000', '--workers', '1'];
  const into = ['--workspace', workspace, '--dataset', 'crawl', '--tokenizer', 'gpt2'];
  const result = await tokenmill(['ingest', WARC, NOTES, ...into, ...sizes]);
  await writeFile(outcome, result.stderr);
  if (result.status !== 0) throw new Error(result.stderr);
  return workspace;
}
