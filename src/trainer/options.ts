/**
 * Settings of a training run: those that belong to the run for good (they decide its weights, and are written to
 * run.json when it begins) and those of one process (they change speed and reporting, never the weights).
 */
import { z } from 'zod';
import { integer } from '../core/config.js';
import { DEVICES, ENGINES } from './engine.js';
import { TokenmillError } from '../core/errors.js';
import { PRECISIONS } from './graph/mixed-precision.js';
import { PACKINGS } from './loader/rows.js';
import type { ModelSize } from './models/family.js';
import { SCHEDULES } from './schedule.js';

/** More than this no step has: the indices of its tokens are 32-bit. */
const MAX_BATCH = 1 << 20;
const MAX_CONTEXT = 1 << 24;

export const OPTIMIZERS = ['adamw', 'muon'] as const;

/** Tokens that are in memory to be shuffled, at most: 512 MB of them. */
const MAX_SHUFFLED_TOKENS = 1 << 27;

const flag = z.union([z.boolean(), z.stringbool()]);
const share = z.coerce.number().min(0).max(1);

export const trainOptionsSchema = z.object({
  run: z
    .string()
    .optional()
    .describe('name of the run (default: dataset and model, for example default-tiny)'),
  dataset: z.string().optional().describe('dataset to train on (default: default)'),
  mixture: z
    .string()
    .optional()
    .describe('several datasets with their shares of the sequences instead: web=0.7,code=0.3'),
  model: z.string().optional().describe('a preset, or the path of a config.json (default: tiny)'),
  from: z
    .string()
    .optional()
    .describe('begin with the weights of a model: a run, or a folder with config.json and weights'),
  steps: integer(1)
    .optional()
    .describe('steps of the whole run; more of them continue a finished one (default: 1000)'),
  batch: integer(1, MAX_BATCH).optional().describe('sequences in a step (default: 8)'),
  context: integer(1, MAX_CONTEXT)
    .optional()
    .describe('tokens of a sequence (default: 128, or as many as the model takes)'),
  accumulate: integer(1, MAX_BATCH)
    .optional()
    .describe('batches whose gradients make one step; memory is that of one (default: 1)'),
  packing: z
    .enum(PACKINGS)
    .optional()
    .describe(
      'concatenate: documents follow each other; best-fit: they are packed whole and do not see each other (default: concatenate)',
    ),
  shuffle: integer(0, MAX_BATCH)
    .optional()
    .describe(
      'sequences that are shuffled among each other, across shards (default: 0, the order of the shards)',
    ),
  learningRate: z.coerce
    .number()
    .positive()
    .optional()
    .describe('peak learning rate (default: 0.006, less for a model wider than 128)'),
  minLearningRate: z.coerce
    .number()
    .min(0)
    .optional()
    .describe('learning rate at the end (default: a tenth of the peak)'),
  warmup: integer(0).optional().describe('steps of linear warm-up (default: a tenth of the steps)'),
  schedule: z
    .enum(SCHEDULES)
    .optional()
    .describe(
      'learning rate behind the warm-up: cosine, linear, wsd (stable, then decay) or constant (default: cosine)',
    ),
  decay: integer(1).optional().describe('steps of the decay of wsd (default: a fifth of the steps)'),
  optimizer: z
    .enum(OPTIMIZERS)
    .optional()
    .describe('adamw, or muon for hidden matrices with adamw for all else (default: adamw)'),
  precision: z
    .enum(PRECISIONS)
    .optional()
    .describe('of products and activations: float32, or float16 on a GPU that has it (default: float32)'),
  weightDecay: z.coerce.number().min(0).optional().describe('decay of matrices, decoupled (default: 0.1)'),
  zLoss: z.coerce
    .number()
    .min(0)
    .optional()
    .describe(
      'factor of the squared log of the softmax normaliser in the objective, 0.0001 for example (default: 0)',
    ),
  beta1: share.optional().describe('decay of the mean of gradients (default: 0.9)'),
  beta2: share.optional().describe('decay of the mean of squared gradients (default: 0.95)'),
  clip: z.coerce.number().min(0).optional().describe('largest global gradient norm, 0 for any (default: 1)'),
  seed: integer(0, 0xffff_ffff)
    .optional()
    .describe('seed of the initial weights and of shuffling (default: 1)'),
  replay: flag.default(false).describe('read all shards of the dataset and leave the queue alone'),
  follow: flag.default(false).describe('wait for new shards where the queue is empty, never read one twice'),
  evalEvery: integer(1).default(50).describe('steps between two evaluations on the valid split'),
  evalTokens: integer(1).default(1_000_000).describe('tokens of the valid split that these use at most'),
  checkpointEvery: integer(1).default(100).describe('steps between two checkpoints'),
  keep: integer(1).default(3).describe('checkpoints that are kept'),
  keepBest: flag
    .default(false)
    .describe('also keep the checkpoint of the lowest validation loss, of those whose step was evaluated'),
  onNonfinite: z
    .enum(['skip', 'stop'])
    .default('skip')
    .describe(
      'where loss or gradients of a step are not finite: skip it, several times at most, or stop the run',
    ),
  engine: z
    .enum(ENGINES)
    .default('onnx')
    .describe('what runs the tensor graph: onnx, or tensorflow where TensorFlow.js is installed'),
  device: z
    .enum(DEVICES)
    .default('auto')
    .describe(`where it runs: ${DEVICES.join(', ')}`),
  recompute: flag
    .default(false)
    .describe(
      'compute the activations of layers a second time instead of keeping them: less memory, more time',
    ),
  threads: integer(1, 1024).optional().describe('threads inside of an operation (default: one a core)'),
});

export type TrainOptions = z.output<typeof trainOptionsSchema>;

/** What belongs to a run for good, with defaults filled in. */
export const runSettingsSchema = z.strictObject({
  batch: z.number().int(),
  context: z.number().int(),
  /** Batches a step. */
  accumulate: z.number().int().default(1),
  packing: z.enum(PACKINGS).default('concatenate'),
  /** Sequences; 0: no shuffling. */
  shuffle: z.number().int().default(0),
  learning_rate: z.number(),
  min_learning_rate: z.number(),
  warmup: z.number().int(),
  schedule: z.enum(SCHEDULES).default('cosine'),
  /** Of `wsd`; null for the other schedules. */
  decay: z.number().int().nullable().default(null),
  optimizer: z.enum(OPTIMIZERS).default('adamw'),
  precision: z.enum(PRECISIONS).default('float32'),
  weight_decay: z.number(),
  z_loss: z.number().default(0),
  beta1: z.number(),
  beta2: z.number(),
  /** 0: no clipping. */
  clip: z.number(),
  seed: z.number().int(),
  replay: z.boolean(),
});

export type RunSettings = z.output<typeof runSettingsSchema>;

export const DEFAULT_DATASET = 'default';
export const DEFAULT_MODEL = 'tiny';
/**
 * The defaults are a demonstration: preset `tiny` on the bundled fixtures in about two minutes on two cores. Measured with
 * 276 k train tokens, vocabulary 8192: 12,000 to 14,000 tokens a second on two free cores, so 1.02 M tokens in 75 to 85 s; loss
 * from 9.13 to 2.5, validation to 2.32 (0.76 bits per byte). Half the peak rate ended 0.2 nats higher.
 */
export const DEFAULT_STEPS = 1000;
const DEFAULT_BATCH = 8;
const DEFAULT_CONTEXT = 128;
const DEFAULT_LEARNING_RATE = 0.006;
/** Width up to which that rate is right; beyond, Adam wants it to fall with the width (Yang et al., 2022, table 3). */
const DEFAULT_RATE_WIDTH = 128;

/**
 * The settings of a run that begins.
 * @throws TokenmillError CONFIG_INVALID where two of them do not fit
 */
export function newRunSettings(
  options: TrainOptions,
  model: Pick<ModelSize, 'width' | 'positions'>,
): RunSettings {
  const maxContext = model.positions;
  const steps = options.steps ?? DEFAULT_STEPS;
  const learningRate = options.learningRate ?? defaultLearningRate(model.width);
  const schedule = options.schedule ?? 'cosine';
  const settings: RunSettings = {
    batch: options.batch ?? DEFAULT_BATCH,
    context: options.context ?? Math.min(DEFAULT_CONTEXT, maxContext),
    accumulate: options.accumulate ?? 1,
    packing: options.packing ?? 'concatenate',
    shuffle: options.shuffle ?? 0,
    learning_rate: learningRate,
    min_learning_rate: options.minLearningRate ?? readable(learningRate / 10),
    warmup: options.warmup ?? Math.floor(steps / 10),
    schedule,
    decay: schedule === 'wsd' ? (options.decay ?? Math.max(1, Math.floor(steps / 5))) : null,
    optimizer: options.optimizer ?? 'adamw',
    precision: options.precision ?? 'float32',
    weight_decay: options.weightDecay ?? 0.1,
    z_loss: options.zLoss ?? 0,
    beta1: options.beta1 ?? 0.9,
    beta2: options.beta2 ?? 0.95,
    clip: options.clip ?? 1,
    seed: options.seed ?? 1,
    replay: options.replay,
  };
  checkSchedule(settings, options, steps);
  if (settings.context > maxContext) {
    throw new TokenmillError(
      'CONFIG_INVALID',
      `--context ${settings.context} is more than the ${maxContext} positions of the model`,
    );
  }
  if (settings.shuffle * settings.context > MAX_SHUFFLED_TOKENS) {
    throw new TokenmillError(
      'CONFIG_INVALID',
      `--shuffle ${settings.shuffle} with a context of ${settings.context} are more than ${MAX_SHUFFLED_TOKENS} tokens`,
    );
  }
  if (settings.min_learning_rate > learningRate) {
    throw new TokenmillError(
      'CONFIG_INVALID',
      `--min-learning-rate ${settings.min_learning_rate} is more than the peak, ${learningRate}`,
    );
  }
  return settings;
}

/** @throws TokenmillError CONFIG_INVALID where warm-up and decay do not fit into the steps, or there is none to set */
function checkSchedule({ warmup, schedule, decay }: RunSettings, options: TrainOptions, steps: number): void {
  if (warmup >= steps) {
    throw new TokenmillError('CONFIG_INVALID', `--warmup ${warmup} is not less than the ${steps} steps`);
  }
  if (options.decay !== undefined && decay === null) {
    throw new TokenmillError('CONFIG_INVALID', `--decay is for --schedule wsd, not for ${schedule}`);
  }
  if (warmup + (decay ?? 0) > steps) {
    throw new TokenmillError(
      'CONFIG_INVALID',
      `--warmup ${warmup} and --decay ${decay} are more than the ${steps} steps together`,
    );
  }
}

/** A dataset and its share of the sequences, relative to those of the others. */
export interface DatasetShare {
  readonly dataset: string;
  readonly weight: number;
}

/** The datasets to train on. @throws TokenmillError USAGE where a mixture is not well formed */
export function mixtureOf(options: Pick<TrainOptions, 'dataset' | 'mixture'>): DatasetShare[] {
  const { dataset, mixture } = options;
  if (mixture === undefined) return [{ dataset: dataset ?? DEFAULT_DATASET, weight: 1 }];
  if (dataset !== undefined) {
    throw new TokenmillError('USAGE', '--dataset and --mixture exclude each other');
  }
  const shares = mixture.split(',').map((part): DatasetShare => {
    const [, name, weight] = /^\s*([^=\s]+)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? [];
    if (Number(weight) > 0) return { dataset: name, weight: Number(weight) };
    throw new TokenmillError('USAGE', `--mixture: ${JSON.stringify(part)} is not a dataset and its share`, {
      hint: 'give them as web=0.7,code=0.3; shares are above 0 and need not add up to 1',
    });
  });
  const twice = shares.find(
    ({ dataset: name }, at) => shares.findIndex((other) => other.dataset === name) < at,
  );
  if (twice === undefined) return shares;
  throw new TokenmillError('USAGE', `--mixture names dataset ${twice.dataset} twice`);
}

/** `d` for one dataset, `web=0.7,code=0.3` for several. */
export function describeMixture(mixture: readonly DatasetShare[]): string {
  if (mixture.length === 1) return mixture[0].dataset;
  return mixture.map(({ dataset, weight }) => `${dataset}=${weight}`).join(',');
}

function defaultLearningRate(width: number): number {
  return readable(DEFAULT_LEARNING_RATE * Math.min(1, DEFAULT_RATE_WIDTH / width));
}

/** To three digits: run.json shows it, and a person may give it again. */
function readable(rate: number): number {
  return Number(rate.toPrecision(3));
}

type Asked = [
  name: string,
  wanted: string | number | boolean | undefined,
  has: string | number | boolean | null,
];

function askedDatasets(has: readonly DatasetShare[], options: TrainOptions): Asked[] {
  if (options.dataset === undefined && options.mixture === undefined) return [];
  const name = options.mixture === undefined ? 'dataset' : 'mixture';
  return [[name, describeMixture(mixtureOf(options)), describeMixture(has)]];
}

/**
 * Checks that what is asked for explicitly is what the run began with.
 * @throws TokenmillError CONFIG_MISMATCH naming the setting and both values
 */
export function checkAgainstRun(
  run: {
    readonly name: string;
    readonly mixture: readonly DatasetShare[];
    readonly settings: RunSettings;
  },
  options: TrainOptions,
): void {
  const { settings } = run;
  const asked: Asked[] = [
    ...askedDatasets(run.mixture, options),
    ['batch', options.batch, settings.batch],
    ['context', options.context, settings.context],
    ['accumulate', options.accumulate, settings.accumulate],
    ['packing', options.packing, settings.packing],
    ['shuffle', options.shuffle, settings.shuffle],
    ['learning-rate', options.learningRate, settings.learning_rate],
    ['min-learning-rate', options.minLearningRate, settings.min_learning_rate],
    ['warmup', options.warmup, settings.warmup],
    ['schedule', options.schedule, settings.schedule],
    ['decay', options.decay, settings.decay],
    ['optimizer', options.optimizer, settings.optimizer],
    ['precision', options.precision, settings.precision],
    ['weight-decay', options.weightDecay, settings.weight_decay],
    ['z-loss', options.zLoss, settings.z_loss],
    ['beta1', options.beta1, settings.beta1],
    ['beta2', options.beta2, settings.beta2],
    ['clip', options.clip, settings.clip],
    ['seed', options.seed, settings.seed],
    ['replay', options.replay || undefined, settings.replay],
  ];
  for (const [name, wanted, has] of asked) {
    if (wanted === undefined || wanted === has) continue;
    throw new TokenmillError(
      'CONFIG_MISMATCH',
      `run ${run.name} began with --${name} ${has}, not ${wanted}`,
      { hint: `leave --${name} out to continue it, or begin another run with --run NAME` },
    );
  }
}
