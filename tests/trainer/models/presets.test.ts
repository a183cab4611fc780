import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { presetConfig, PRESET_NAMES } from '../../../src/trainer/models/presets.js';
import { modelSize, parameterCount } from '../../../src/trainer/models/registry.js';
import { initialState } from '../../../src/trainer/programs/state.js';
import { compileTraining } from '../../../src/trainer/programs/training.js';

/** Small ones have no vocabulary of their own. */
const SMALL = PRESET_NAMES.filter((name) => name === 'small' || /(^|-)tiny$/.test(name));
const SMALL_VOCABULARY = 8192;

/**
 * Numbers that transformers 5.18 counts in a model of the same configuration (on torch's device `meta`), and parameters as they
 * were published, in the unit and to the digits of the paper.
 */
const COUNTS: Readonly<Record<string, readonly [number, string?]>> = {
  tiny: [1_787_008],
  small: [12_587_904],
  'llama-7b': [6_738_415_616, '6.7B'],
  'llama-13b': [13_015_864_320, '13.0B'],
  'llama-33b': [32_528_943_616, '32.5B'],
  'llama-65b': [65_285_660_672, '65.2B'],
  'llama2-7b': [6_738_415_616, '6.7B'],
  'llama2-13b': [13_015_864_320, '13.0B'],
  'llama2-70b': [68_976_648_192, '70B'],
  'llama3-8b': [8_030_261_248, '8B'],
  'llama3-70b': [70_553_706_496, '70B'],
  'llama3.1-405b': [405_853_388_800, '405B'],
  'llama3.2-1b': [1_235_814_400, '1.23B'],
  'llama3.2-3b': [3_212_749_824, '3.21B'],
  'gpt2-tiny': [1_874_688],
  gpt2: [124_439_808, '124M'],
  'gpt2-medium': [354_823_168, '355M'],
  'gpt2-large': [774_030_080, '774M'],
  'gpt2-xl': [1_557_611_200, '1542M'],
  'gpt3-125m': [125_226_240, '125M'],
  'gpt3-350m': [355_871_744, '350M'],
  'gpt3-760m': [760_300_032, '760M'],
  'gpt3-1.3b': [1_315_723_264, '1.3B'],
  'gpt3-2.7b': [2_651_553_280, '2.7B'],
  'gpt3-6.7b': [6_658_404_352, '6.7B'],
  'gpt3-13b': [12_853_386_240, '13.0B'],
  'gpt3-175b': [174_604_259_328, '175B'],
  'gptj-tiny': [2_895_616],
  'xglm-tiny': [1_841_920],
  'xglm-564m': [564_463_616, '564M'],
  'gptj-6b': [6_050_882_784, '6.05B'],
  'palm-tiny': [1_999_488],
  'palm-8b': [8_632_012_800, '8.63B'],
  'palm-62b': [62_495_662_080, '62.50B'],
  'palm-540b': [540_356_474_880, '540.35B'],
  'opt-tiny': [1_874_944],
  'opt-125m': [125_239_296, '125M'],
  'opt-350m': [331_196_416, '331M'],
  'opt-1.3b': [1_315_758_080, '1.3B'],
  'opt-2.7b': [2_651_596_800, '2.7B'],
  'opt-6.7b': [6_658_473_984, '6.7B'],
  'opt-13b': [12_853_473_280, '13B'],
  'opt-30b': [29_974_540_288, '30B'],
  'opt-66b': [65_719_701_504, '66B'],
  'opt-175b': [174_604_468_224, '175B'],
  'bloom-tiny': [1_842_176],
  'bloom-560m': [559_214_592, '559M'],
  'bloom-1b1': [1_065_314_304, '1065M'],
  'bloom-1b7': [1_722_408_960, '1722M'],
  'bloom-3b': [3_002_557_440, '3003M'],
  'bloom-7b1': [7_069_016_064, '7069M'],
  'bloom-176b': [176_247_271_424, '176247M'],
  'qwen2-tiny': [1_788_032],
  'qwen2-0.5b': [494_032_768, '0.49B'],
  'qwen2-1.5b': [1_543_714_304, '1.54B'],
  'qwen2-7b': [7_615_616_512, '7.61B'],
  'qwen2-72b': [72_706_203_648, '72.71B'],
  'qwen3-tiny': [1_787_264],
  'qwen3-0.6b': [596_049_920, '0.6B'],
  'qwen3-1.7b': [1_720_574_976, '1.7B'],
  'qwen3-4b': [4_022_468_096, '4.0B'],
  'qwen3-8b': [8_190_735_360, '8.2B'],
  'qwen3-14b': [14_768_307_200, '14.8B'],
  'qwen3-32b': [32_762_123_264, '32.8B'],
  'olmo2-tiny': [1_853_568],
  'olmo2-1b': [1_484_916_736, '1.48B'],
  'olmo2-7b': [7_298_617_344, '7.3B'],
  'olmo2-13b': [13_716_198_400, '13.7B'],
  'olmo2-32b': [32_234_279_936, '32.2B'],
  'mixtral-tiny': [2_329_728],
  'mixtral-8x7b': [46_702_792_704, '46.7B'],
  'mixtral-8x22b': [140_630_071_296, '141B'],
  'deepseek-v3-tiny': [2_305_560],
  'deepseek-v3': [671_026_419_200, '671B'],
};

const UNITS = { M: 1e6, B: 1e9 } as const;

describe('presets', () => {
  it.each(Object.entries(COUNTS))('%s has the parameters of transformers', (name, [count]) => {
    const vocabulary = SMALL.includes(name) ? SMALL_VOCABULARY : undefined;
    expect(parameterCount(presetConfig(name, vocabulary))).toBe(count);
  });

  it('are all counted, and within 3% of what was published', () => {
    expect(Object.keys(COUNTS)).toEqual(PRESET_NAMES);
    for (const [count, published] of Object.values(COUNTS)) {
      if (published === undefined) continue;
      const unit = published.at(-1) as keyof typeof UNITS;
      const stated = Number(published.slice(0, -1)) * UNITS[unit];
      expect(Math.abs(count / stated - 1)).toBeLessThan(0.03);
    }
    expect(PRESET_NAMES.filter((name) => COUNTS[name][1] === undefined)).toEqual(SMALL);
  });

  it('are in the table of the documentation with their counts', async () => {
    const text = await readFile(join(import.meta.dirname, '../../../docs/models.md'), 'utf8');
    const rows = new Map(
      [...text.matchAll(/^\| `([^`]+)` *\|.*\| *([\d,]+) *\|$/gm)].map(([, name, count]) => [
        name,
        Number(count.replaceAll(',', '')),
      ]),
    );
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(Object.entries(COUNTS).map(([name, [count]]) => [name, count])),
    );
  });

  it('are known by name', () => {
    expect(() => presetConfig('huge')).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: 'there is no preset "huge"' }),
    );
    expect(() => presetConfig('constructor')).toThrow('there is no preset "constructor"');
  });

  it('take the vocabulary of the tokenizer', () => {
    expect(presetConfig('llama3-8b', 300)).toMatchObject({ vocab_size: 300, hidden_size: 4096 });
    expect(modelSize(presetConfig('gpt2-xl', 300))).toEqual({
      vocabulary: 300,
      width: 1600,
      positions: 1024,
      bounded: true,
    });
  });
});

describe.each(SMALL.filter((name) => name !== 'small'))('%s', (name) => {
  it('learns a batch', async () => {
    const config = presetConfig(name, 40);
    const program = await compileTraining(config, {
      batch: 2,
      context: 8,
      optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 },
      engine: onnxEngine,
      state: initialState(config, 1),
      threads: 1,
    });
    const ids = Int32Array.from({ length: 16 }, (_, i) => (i * i * 7 + 3) % 40);
    const targets = ids.map((_, i) => ids[(i + 1) % 16]);
    const losses: number[] = [];
    for (let step = 0; step < 8; step++) {
      const { loss, applied } = await program.step(ids, targets, { learningRate: 0.003 });
      expect(applied).toBe(true);
      losses.push(loss);
    }
    await program.dispose();
    // It begins near ln 40 = 3.69, which is no knowledge at all.
    expect(Math.abs(losses[0] - Math.log(40))).toBeLessThan(0.5);
    expect(losses[7]).toBeLessThan(0.6 * losses[0]);
  });
});
