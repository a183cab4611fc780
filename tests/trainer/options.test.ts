import { describe, expect, it } from 'vitest';
import { checkAgainstRun, mixtureOf, newRunSettings, trainOptionsSchema } from '../../src/trainer/options.js';

const MODEL = { width: 128, positions: 256 };
const settings = (options: Record<string, unknown>, model = MODEL): ReturnType<typeof newRunSettings> =>
  newRunSettings(trainOptionsSchema.parse(options), model);

describe('settings of a new run', () => {
  it('have defaults', () => {
    expect(settings({})).toEqual({
      batch: 8,
      context: 128,
      accumulate: 1,
      packing: 'concatenate',
      shuffle: 0,
      learning_rate: 0.006,
      min_learning_rate: 0.0006,
      warmup: 100,
      schedule: 'cosine',
      decay: null,
      optimizer: 'adamw',
      precision: 'float32',
      weight_decay: 0.1,
      z_loss: 0,
      beta1: 0.9,
      beta2: 0.95,
      clip: 1,
      seed: 1,
      replay: false,
    });
  });

  it('fit the model: its context, and a rate that falls with its width', () => {
    expect(settings({}, { ...MODEL, positions: 64 }).context).toBe(64);
    const rate = (width: number): number => settings({}, { ...MODEL, width }).learning_rate;
    expect([32, 128, 256, 384, 768].map(rate)).toEqual([0.006, 0.006, 0.003, 0.002, 0.001]);
  });

  it('follow what is given, also as text', () => {
    expect(settings({ steps: '50', learningRate: '0.01', batch: '2', replay: 'true' })).toMatchObject({
      warmup: 5,
      learning_rate: 0.01,
      min_learning_rate: 0.001,
      batch: 2,
      replay: true,
    });
    expect(settings({ warmup: 0, minLearningRate: 0, weightDecay: 0, clip: 0 })).toMatchObject({
      warmup: 0,
      min_learning_rate: 0,
      weight_decay: 0,
      clip: 0,
    });
  });

  it('give a schedule of wsd a decay, of a fifth of the steps where none is given', () => {
    expect(settings({ schedule: 'wsd' })).toMatchObject({ schedule: 'wsd', warmup: 100, decay: 200 });
    expect(settings({ schedule: 'wsd', steps: 3, decay: 2 })).toMatchObject({ warmup: 0, decay: 2 });
  });

  it.each([
    [{ decay: 10 }, '--decay is for --schedule wsd, not for cosine'],
    [{ schedule: 'wsd', decay: 901 }, '--warmup 100 and --decay 901 are more than the 1000 steps together'],
    [{ warmup: 1000 }, '--warmup 1000 is not less than the 1000 steps'],
    [{ context: 257 }, '--context 257 is more than the 256 positions of the model'],
    [{ learningRate: 0.1, minLearningRate: 0.2 }, '--min-learning-rate 0.2 is more than the peak, 0.1'],
  ])('are refused where they do not fit each other: %o', (options, message) => {
    expect(() => settings(options)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message }) as Error,
    );
  });

  it.each([
    { steps: 0 },
    { steps: 1.5 },
    { batch: -1 },
    { learningRate: 0 },
    { beta1: 2 },
    { seed: 2 ** 32 },
  ])('are refused where one is out of range: %o', (options) => {
    expect(trainOptionsSchema.safeParse(options).success).toBe(false);
  });
});

describe('settings of a run that is continued', () => {
  const run = { name: 'r', mixture: [{ dataset: 'd', weight: 1 }], settings: settings({}) };
  const check = (options: Record<string, unknown>): void =>
    checkAgainstRun(run, trainOptionsSchema.parse(options));

  it('need not be given, may be repeated, and may change where they do not change the weights', () => {
    const same = {
      dataset: 'd',
      batch: 8,
      context: 128,
      learningRate: 0.006,
      warmup: 100,
      beta2: 0.95,
      seed: 1,
    };
    const free = { steps: 5, evalEvery: 1, checkpointEvery: 2, keep: 1, threads: 1, follow: true };
    for (const options of [{}, same, free]) expect(() => check(options)).not.toThrow();
  });

  it.each([
    [{ dataset: 'x' }, '--dataset d, not x'],
    [{ mixture: 'd=1,x=2' }, '--mixture d, not d=1,x=2'],
    [{ schedule: 'linear' }, '--schedule cosine, not linear'],
    [{ packing: 'best-fit' }, '--packing concatenate, not best-fit'],
    [{ beta2: 0.99 }, '--beta2 0.95, not 0.99'],
    [{ weightDecay: 0 }, '--weight-decay 0.1, not 0'],
    [{ replay: true }, '--replay false, not true'],
  ])('must be those it began with: %o', (options, message) => {
    expect(() => check(options)).toThrow(
      expect.objectContaining({ code: 'CONFIG_MISMATCH', message: `run r began with ${message}` }) as Error,
    );
  });
});

describe('a mixture', () => {
  it('names datasets and their shares', () => {
    expect(mixtureOf({})).toEqual([{ dataset: 'default', weight: 1 }]);
    expect(mixtureOf({ dataset: 'web' })).toEqual([{ dataset: 'web', weight: 1 }]);
    expect(mixtureOf({ mixture: 'web=0.7, code = 3' })).toEqual([
      { dataset: 'web', weight: 0.7 },
      { dataset: 'code', weight: 3 },
    ]);
  });

  it.each([
    [{ mixture: 'web' }, '--mixture: "web" is not a dataset and its share'],
    [{ mixture: 'web=0.5,code=0' }, '--mixture: "code=0" is not a dataset and its share'],
    [{ mixture: 'web=-1' }, '--mixture: "web=-1" is not a dataset and its share'],
    [{ mixture: 'web=1,web=2' }, '--mixture names dataset web twice'],
    [{ mixture: 'web=1', dataset: 'web' }, '--dataset and --mixture exclude each other'],
  ])('is refused where it is not well formed: %o', (options, message) => {
    expect(() => mixtureOf(options)).toThrow(expect.objectContaining({ code: 'USAGE', message }) as Error);
  });
});
