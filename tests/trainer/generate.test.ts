/** Text from logits, on a program that stands in for a model: it has its own idea of what follows what. */
import { describe, expect, it } from 'vitest';
import { generate, type GenerateOptions } from '../../src/trainer/generate.js';
import type { InferenceProgram } from '../../src/trainer/programs/inference.js';
import { byteTokenizer, END_OF_TEXT, VOCABULARY } from '../support/training.js';

const GREEDY: GenerateOptions = { temperature: 0, topK: null, topP: 1, maxTokens: 100, seed: 1 };

/** Is certain of what comes next, and remembers what it was told. */
class Parrot implements InferenceProgram {
  readonly context: number;
  readonly seen: number[] = [];
  private readonly script: Uint8Array;
  private position = 0;

  /** Says `script`, then end-of-text, whatever it is told. */
  constructor(script: string | Uint8Array, context = 1000) {
    this.script = typeof script === 'string' ? new TextEncoder().encode(script) : script;
    this.context = context;
  }

  async prefill(ids: Int32Array): Promise<Float32Array> {
    this.seen.push(...ids);
    // Three more rows than tokens, as of a vocabulary that is padded: the padding is likeliest of all.
    const logits = new Float32Array(VOCABULARY + 3).fill(0, 0, VOCABULARY).fill(99, VOCABULARY);
    logits[this.script[this.position++] ?? END_OF_TEXT] = 50;
    return logits;
  }

  next(id: number): Promise<Float32Array> {
    return this.prefill(Int32Array.of(id));
  }

  reset(): void {
    this.position = 0;
    this.seen.length = 0;
  }

  async dispose(): Promise<void> {}
}

async function pieces(
  program: InferenceProgram,
  prompt: string,
  options: Partial<GenerateOptions> = {},
): Promise<string[]> {
  const all: string[] = [];
  for await (const piece of generate(program, byteTokenizer(), prompt, { ...GREEDY, ...options }))
    all.push(piece);
  return all;
}

describe('generate', () => {
  it('gives what follows the prompt, up to end-of-text', async () => {
    const program = new Parrot(' world');
    expect((await pieces(program, 'hello')).join('')).toBe(' world');
    expect(program.seen).toEqual([...new TextEncoder().encode('hello world')]);
  });

  it('begins a document from end-of-text where there is no prompt', async () => {
    const program = new Parrot('x');
    expect(await pieces(program, '')).toEqual(['x']);
    expect(program.seen).toEqual([END_OF_TEXT, 120]);
  });

  it('holds back characters that are not complete', async () => {
    expect(await pieces(new Parrot('aé€😀'), 'x')).toEqual(['a', 'é', '€', '😀']);
    // The first two bytes of a euro sign.
    expect(await pieces(new Parrot(Uint8Array.of(0x61, 0xe2, 0x82)), 'x')).toEqual(['a', '\ufffd']);
  });

  it('ends after so many tokens, or where the context is full, and asks for no logits that it does not use', async () => {
    const program = new Parrot('abcdefgh');
    expect((await pieces(program, 'xy', { maxTokens: 3 })).join('')).toBe('abc');
    expect(program.seen).toHaveLength(2 + 2);
    const short = new Parrot('abcdefgh', 6);
    expect((await pieces(short, 'xy')).join('')).toBe('abcd');
    expect(short.seen).toHaveLength(5);
  });

  it('depends on the seed alone', async () => {
    const text = async (seed: number): Promise<string> => {
      const program = new Parrot('');
      const noisy: InferenceProgram = {
        context: 200,
        prefill: async () => new Float32Array(VOCABULARY).fill(1, 97, 123),
        next: async () => new Float32Array(VOCABULARY).fill(1, 97, 123),
        reset: () => program.reset(),
        dispose: () => program.dispose(),
      };
      return (await pieces(noisy, 'x', { temperature: 1, topK: 26, maxTokens: 40, seed })).join('');
    };
    const first = await text(5);
    expect(first).toMatch(/^[a-z]{40}$/);
    expect(await text(5)).toBe(first);
    expect(await text(6)).not.toBe(first);
  });
});
