/** The whole road, through the command line alone: raw WARC in, sampled text out. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { MAIN, tokenmill } from './support/cli.js';

const CRAWL = fileURLToPath(new URL('../fixtures/crawl', import.meta.url));

/** A model so small that it trains in seconds. */
const MODEL = {
  model_type: 'llama',
  vocab_size: 1024,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
};

it('goes from WARC to sampled text', { timeout: 180_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-road-'));
  const workspace = join(folder, 'workspace');
  const inWorkspace = ['--workspace', workspace];
  const run = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await tokenmill([...args, ...inWorkspace], { cwd: CRAWL });
    expect(status, stderr).toBe(0);
    return stdout;
  };

  // Named relative to its folder: ids and the split come from the name, and must not depend on where the clone is.
  const input = 'pages-00.warc.gz';
  const summary = JSON.parse(
    await run(
      'ingest',
      input,
      '--dataset',
      'd',
      '--tokenizer',
      'train:1024',
      '--valid-fraction',
      '0.1',
      '--json',
    ),
  ) as {
    counts: Record<string, number>;
  };
  const { counts } = summary;
  expect(counts['records']).toBe(counts['documents'] + counts['non_documents'] + (counts['bad'] ?? 0));
  expect(counts['documents']).toBe(counts['kept'] + counts['dropped']);

  // SQL finds a kept document, and its record leads back to the very bytes of the source.
  const rows = JSON.parse(
    await run(
      'query',
      `select document_id, "offset", length, text from documents where verdict = 'keep' order by ordinal limit 1`,
      '--format',
      'json',
    ),
  ) as { document_id: string; offset: number; length: number; text: string }[];
  const record = await run('show', rows[0].document_id, '--record');
  expect(record).toMatch(/^WARC\/1\.[01]\r\n/);
  expect(rows[0].offset + rows[0].length).toBeLessThanOrEqual((await readFile(join(CRAWL, input))).length);

  // The tokenizer that was trained turns the text into ids and back.
  const ids = await tokenmill(['tokenizer', 'encode', '--tokenizer', 'd-1024', ...inWorkspace], {
    input: rows[0].text,
  });
  const decoded = await tokenmill(['tokenizer', 'decode', '--tokenizer', 'd-1024', ...inWorkspace], {
    input: ids.stdout,
  });
  expect(decoded.stdout).toBe(rows[0].text);

  const config = join(folder, 'config.json');
  await writeFile(config, JSON.stringify(MODEL));
  const trained = JSON.parse(
    await run(
      'train',
      '--dataset',
      'd',
      '--model',
      config,
      '--run',
      'r',
      '--steps',
      '60',
      '--batch',
      '4',
      '--context',
      '64',
      '--eval-every',
      '20',
      '--json',
    ),
  ) as { step: number; loss: number; validation: { loss: number } };
  expect(trained.step).toBe(60);
  // An untrained model has ln 1024 = 6.93 nats a token.
  expect(trained.validation.loss).toBeLessThan(6.9);

  const losses = JSON.parse(
    await run('query', `select step, loss from training where run = 'r' order by step`, '--format', 'json'),
  ) as { loss: number }[];
  expect(losses).toHaveLength(60);
  // Single steps are noisy; five of them are not.
  const last = losses.slice(-5).reduce((sum, { loss }) => sum + loss, 0) / 5;
  expect(last).toBeLessThan(losses[0].loss - 0.5);

  const evaluated = JSON.parse(await run('eval', 'r', '--json', '--context', '64')) as {
    loss: number;
    bits_per_byte: number;
  };
  expect(evaluated.loss).toBeCloseTo(trained.validation.loss, 1);
  expect(evaluated.bits_per_byte).toBeGreaterThan(0);

  const text = await run('generate', 'r', 'The', '--max-tokens', '20');
  expect(text.startsWith('The')).toBe(true);
  expect(text.length).toBeGreaterThan(10);
  expect(await run('generate', 'r', 'The', '--max-tokens', '20')).toBe(text);

  const out = join(folder, 'model');
  await run('export', 'r', out);
  expect((await readdir(out)).sort()).toEqual(
    expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
  );
  expect(await run('generate', out, 'The', '--max-tokens', '20')).toBe(text);
});

it(
  'gives a second ingest into a dataset a clear error while the first runs',
  { timeout: 60_000 },
  async () => {
    const workspace = join(await mkdtemp(join(tmpdir(), 'tokenmill-two-')), 'workspace');
    const args = [
      'ingest',
      '-',
      '--dataset',
      'd',
      '--policy',
      'keep-all',
      '--tokenizer',
      'train:300',
      '--workspace',
      workspace,
    ];
    // The first waits for its standard input, holding the dataset.
    const first = spawn(process.execPath, [MAIN, ...args]);
    first.stdin.write('{"text": "one"}\n');
    const firstEnded = new Promise<number | null>((resolve) => first.on('close', resolve));
    const dataset = join(workspace, 'datasets', 'd');
    const isLocked = async (): Promise<boolean> =>
      (await readdir(dataset).catch(() => [])).some((name) => name.startsWith('writer.lock'));
    while (!(await isLocked()) && first.exitCode === null) await sleep(20);
    const second = await tokenmill(args, { input: '{"text": "two"}\n' });
    expect(second.status).toBe(1);
    expect(second.stderr).toContain('error DATASET_LOCKED');
    expect(second.stderr).toContain(String(first.pid));
    first.stdin.end('{"text": "three"}\n');
    expect(await firstEnded).toBe(0);
  },
);
