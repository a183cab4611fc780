import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTextParts } from '../../src/ingest/text-parts.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-text-parts-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Texts, and whether each came in parts. */
async function read(name: string, bytes: Uint8Array, limit: number): Promise<[string, boolean][]> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  const texts: [string, boolean][] = [];
  for await (const text of readTextParts([path], limit)) {
    if (typeof text === 'string') {
      texts.push([text, false]);
      continue;
    }
    let whole = '';
    for await (const part of text) whole += part;
    texts.push([whole, true]);
  }
  return texts;
}

/** Over several reads of a file. */
const LINES = Array.from({ length: 30_000 }, (_, at) => `Zeile ${at}: schöner Tag`);

describe('readTextParts', () => {
  it('gives a large text in parts with the text of the whole', async () => {
    // Line ends become line feeds, control characters and the mark in front go, as in ingest.
    const text = `\uFEFF${LINES.join('\r\n')}\u0007\r`;
    const expected = `${LINES.join('\n')}\n`;
    for (const [name, bytes] of [
      ['large.txt', Buffer.from(text)],
      ['large.md', Buffer.from(text)],
      ['large.txt.gz', gzipSync(text)],
      ['utf16.txt', Buffer.from(text, 'utf16le')],
      ['latin.txt', Buffer.from(text.slice(1), 'latin1')],
    ] as const) {
      expect(await read(name, bytes, 2e6), name).toEqual([[expected, false]]);
      expect(await read(name, bytes, 1000), name).toEqual([[expected, true]]);
    }
  });

  it('gives documents of other formats one by one, however large the file', async () => {
    const lines = LINES.map((text) => JSON.stringify({ text })).join('\n');
    const texts = await read('large.jsonl', Buffer.from(lines), 1000);
    expect(texts.length).toBe(LINES.length);
    expect(texts[1]).toEqual(['Zeile 1: schöner Tag', false]);
  });

  it('gives none of a large file of binary data, or of an empty one', async () => {
    expect(await read('data.bin', Buffer.alloc(100_000), 1000)).toEqual([]);
    expect(await read('empty.txt', Buffer.alloc(0), 1000)).toEqual([]);
  });
});
