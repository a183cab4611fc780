/** kill -9 of real ingest processes at random moments: what remains is whole, and the next start ends identical. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../../src/core/random.js';
import { readCommits } from '../../src/store/commits.js';
import { Queue } from '../../src/store/queue.js';
import { Workspace } from '../../src/store/workspace.js';
import { tokenmill } from '../support/cli.js';
import { generateDocuments, toJsonl } from '../support/corpus.js';
import { decisions, rows, shardHashes } from '../support/dataset.js';
import { makeTokenizer } from '../support/tokenizer.js';

const KILLS = 10;

it(
  `ends with byte-identical shards after ${KILLS} kills, no document lost or repeated`,
  { timeout: 240_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenmill-crash-'));
    const tokenizer = await makeTokenizer(join(folder, 'small'));
    const input = join(folder, 'in.jsonl');
    const documents = generateDocuments(2, 1500);
    await writeFile(input, toJsonl(documents));
    const ingest = (
      workspace: string,
      onStart?: Parameters<typeof tokenmill>[1],
    ): ReturnType<typeof tokenmill> =>
      tokenmill(
        [
          'ingest',
          input,
          '--workspace',
          workspace,
          '--dataset',
          'd',
          '--tokenizer',
          tokenizer,
          '--shard-tokens',
          '20000',
          '--window',
          '1',
          '--workers',
          '1',
        ],
        onStart,
      );

    const whole = join(folder, 'whole');
    const started = performance.now();
    expect(await ingest(whole)).toMatchObject({ status: 0 });
    const duration = performance.now() - started;
    const shards = await shardHashes(whole, 'd');
    const decided = await decisions(whole);

    const random = new Random(3);
    const finished: string[] = [];
    let workspace = join(folder, 'killed-0');
    let kills = 0;
    while (kills < KILLS || finished.length === 0) {
      const result = await ingest(workspace, {
        onStart: (child) => {
          // Once there were kills enough, the last workspace may come to its end.
          if (kills < KILLS) setTimeout(() => child.kill('SIGKILL'), random.next() * duration * 1.1);
        },
      });
      if (result.signal === 'SIGKILL') {
        kills += 1;
        // What a reader sees at any instant is a whole number of commits.
        if (await new Workspace(workspace).hasDataset('d')) {
          const commits = await readCommits(new Workspace(workspace).dataset('d'));
          const seen = await rows(
            workspace,
            'SELECT count(*) AS n, count(DISTINCT document_id) AS ids FROM documents',
          );
          expect(seen[0]).toEqual({
            n: commits.at(-1)?.next_ordinal ?? 0,
            ids: commits.at(-1)?.next_ordinal ?? 0,
          });
        }
      } else {
        expect(result.status, result.stderr).toBe(0);
        finished.push(workspace);
        workspace = join(folder, `killed-${finished.length}`);
      }
    }
    if (!finished.includes(workspace) && (await new Workspace(workspace).hasDataset('d'))) {
      const last = await ingest(workspace);
      expect(last.status, `${last.signal}: ${last.stderr}`).toBe(0);
      finished.push(workspace);
    }

    for (const path of finished) {
      expect(await shardHashes(path, 'd')).toEqual(shards);
      expect(await decisions(path)).toEqual(decided);
      const queued = (await new Queue(new Workspace(path).dataset('d').queue).list()).map(
        ({ name, state }) => [name, state],
      );
      const train = await rows(path, `SELECT name FROM shards WHERE split = 'train' ORDER BY name`);
      expect(queued).toEqual(train.map(({ name }) => [name, 'ready']));
    }
  },
);
