/**
 * Tokenizers in a thread of their own: loading one and encoding a long text take up to seconds, in which the service
 * goes on answering.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { defineWorker } from '../../core/pool.js';
import { describeTokenizer, type TokenizerDescription } from '../../tokenizer/describe.js';
import { loadTokenizer } from '../../tokenizer/load.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';

interface Named {
  /** The workspace's folder of tokenizers. */
  readonly folder: string;
  readonly name: string;
}

export type TokenizerTask = Named &
  (
    | { readonly kind: 'info' }
    | { readonly kind: 'encode' | 'count'; readonly text: string; readonly special: boolean }
    | { readonly kind: 'decode'; readonly ids: readonly number[] }
  );

export type TokenizerResult =
  | { readonly kind: 'info'; readonly description: TokenizerDescription }
  | { readonly kind: 'encode'; readonly ids: Uint32Array<ArrayBuffer> }
  | { readonly kind: 'count'; readonly count: number; readonly bytes: number }
  | { readonly kind: 'decode'; readonly bytes: Uint8Array<ArrayBuffer> };

/** Tokenizers kept loaded; one of a large vocabulary takes some 50 MB. */
const MAX_LOADED = 4;

/** In order of last use. */
const loaded = new Map<string, { readonly stamp: string; readonly tokenizer: Tokenizer }>();

async function load({ folder, name }: Named): Promise<Tokenizer> {
  const key = join(folder, name);
  // One of the workspace may be trained anew under its name.
  const stamp = await stat(join(key, 'tokenizer.json')).then(
    ({ ino, mtimeMs }) => `${ino}-${mtimeMs}`,
    () => '',
  );
  const known = loaded.get(key);
  loaded.delete(key);
  const entry =
    known?.stamp === stamp
      ? known
      : { stamp, tokenizer: await loadTokenizer(name, { folder, namesOnly: true }) };
  loaded.set(key, entry);
  if (loaded.size > MAX_LOADED) loaded.delete(loaded.keys().next().value as string);
  return entry.tokenizer;
}

export default defineWorker(
  async (task: TokenizerTask): Promise<TokenizerResult> => {
    const tokenizer = await load(task);
    switch (task.kind) {
      case 'info':
        return { kind: 'info', description: describeTokenizer(tokenizer) };
      case 'encode':
        return {
          kind: 'encode',
          ids: tokenizer.encode(task.text, { allowedSpecial: allowed(task.special) }),
        };
      case 'count': {
        const count = tokenizer.count(task.text, { allowedSpecial: allowed(task.special) });
        return { kind: 'count', count, bytes: Buffer.byteLength(task.text) };
      }
      case 'decode':
        return { kind: 'decode', bytes: tokenizer.decode(task.ids) };
    }
  },
  (result) =>
    result.kind === 'encode' ? [result.ids.buffer] : result.kind === 'decode' ? [result.bytes.buffer] : [],
);

function allowed(special: boolean): 'all' | 'none' {
  return special ? 'all' : 'none';
}
