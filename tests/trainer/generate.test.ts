/** Text from logits, on a program that stands in for a model: it has its own idea of what follows what. */
import { describe, expect, it } from 'vitest';
import { generate, generateBatch, type GenerateOptions } from '../../src/trainer/generate.js';
import { onnxEngine } from '../../src/trainer/engines/onnx/onnx-engine.js';
import { parseModelConfig } from '../../src/trainer/models/registry.js';
import {
  compileBatchInference,
  compileInference,
  type InferenceProgram,
} from '../../src/trainer/programs/inference.js';
import { initialState } from '../../src/trainer/programs/state.js';
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

  it('ends before a stop string, also one that comes in pieces or begins twice', async () => {
    const stopped = async (script: string, ...stop: string[]): Promise<string> =>
      (await pieces(new Parrot(script), 'x', { stop })).join('');
    expect(await stopped('one. two. three', 'two')).toBe('one. ');
    expect(await stopped('aab and aaab', 'aaab', 'zz')).toBe('aab and ');
    expect(await stopped('ends with tw', 'two')).toBe('ends with tw');
    const program = new Parrot('ab#cdef');
    await pieces(program, 'x', { stop: ['#'] });
    // The prompt, "a", "b": nothing is asked for behind the stop string.
    expect(program.seen).toHaveLength(3);
  });

  it('does not repeat what is penalized enough, the prompt included', async () => {
    const certain: InferenceProgram = {
      context: 50,
      // 97 is likeliest, then 98, 99 and so on.
      prefill: async () => new Float32Array(VOCABULARY).map((_, id) => (id < 97 ? -9 : (300 - id) / 10)),
      next: () => certain.prefill(new Int32Array(0)),
      reset: () => undefined,
      dispose: async () => undefined,
    };
    expect((await pieces(certain, 'b', { maxTokens: 4 })).join('')).toBe('aaaa');
    expect((await pieces(certain, 'b', { maxTokens: 4, repetitionPenalty: 100 })).join('')).toBe('acde');
  });
});

describe('several texts at once', () => {
  const config = parseModelConfig({
    model_type: 'llama',
    vocab_size: VOCABULARY,
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 160,
    initializer_range: 0.3,
  });

  it('are those that each prompt has alone, with the seeds that follow each other', async () => {
    const { parameters } = initialState(config, 3);
    const tokenizer = byteTokenizer();
    // Shorter and longer than a chunk of a prompt, one that is empty, and one that fills the context.
    const prompts = ['The old bridge', '', 'x'.repeat(100), 'y'.repeat(150)];
    const options = {
      temperature: 1,
      topK: 20,
      topP: 0.95,
      minP: 0.01,
      repetitionPenalty: 1.1,
      maxTokens: 30,
      seed: 8,
      stop: ['e'],
    };
    const one = await compileInference(config, parameters, { engine: onnxEngine, threads: 1 });
    const alone: string[] = [];
    for (const [index, prompt] of prompts.entries()) {
      let text = '';
      for await (const piece of generate(one, tokenizer, prompt, { ...options, seed: 8 + index }))
        text += piece;
      alone.push(text);
    }
    await one.dispose();
    const program = await compileBatchInference(config, parameters, {
      engine: onnxEngine,
      threads: 1,
      batch: 4,
    });
    const together = prompts.map(() => ({ text: '', ends: [] as unknown[] }));
    for await (const { index, text, end } of generateBatch(program, tokenizer, prompts, options)) {
      together[index].text += text;
      if (end !== undefined) together[index].ends.push(end);
    }
    await program.dispose();
    expect(together.map(({ text }) => text)).toEqual(alone);
    expect(together.map(({ ends }) => ends.length)).toEqual([1, 1, 1, 1]);
    expect(new Set(alone).size).toBeGreaterThan(2);
  });
});
