/** Rotary position embedding: its configuration, its frequencies with the stretchings for long contexts, its tables. */
import { z } from 'zod';
import { constant } from '../../graph/build.js';
import type { GraphBuilder, Tensor } from '../../graph/tensor.js';
import { MAX_POSITIONS } from '../config.js';

const factor = z.number().min(1);
const theta = z.number().positive().default(10000);
const positions = z.number().int().min(1).max(MAX_POSITIONS);

/** Of the first part of a head only: GPT-J has its own field for it. */
const whole = { partial_rotary_factor: z.literal(1).optional() };

const scalings = z.discriminatedUnion('rope_type', [
  z.looseObject({ rope_type: z.literal('default'), rope_theta: theta, ...whole }),
  z.looseObject({ rope_type: z.literal('linear'), rope_theta: theta, factor, ...whole }),
  z.looseObject({
    rope_type: z.literal('llama3'),
    rope_theta: theta,
    ...whole,
    factor,
    low_freq_factor: z.number().positive(),
    high_freq_factor: z.number().positive(),
    original_max_position_embeddings: positions,
  }),
  z.looseObject({
    rope_type: z.literal('yarn'),
    rope_theta: theta,
    ...whole,
    factor,
    original_max_position_embeddings: positions,
    beta_fast: z.number().positive().default(32),
    beta_slow: z.number().positive().default(1),
    mscale: z.number().min(0).optional(),
    mscale_all_dim: z.number().min(0).optional(),
    attention_factor: z.number().positive().optional(),
    truncate: z.boolean().default(true),
  }),
]);

/** `rope_parameters` of a configuration, with defaults filled in. */
export type RopeParameters = z.output<typeof scalings>;

/** The field of a configuration; see `normalizeRope` for older notations. */
export const ropeField = { rope_parameters: scalings } as const;

const notations = z.looseObject({
  rope_parameters: z.looseObject({}).nullish(),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: z.looseObject({}).nullish(),
});

/**
 * Brings all notations to `rope_parameters`, which transformers 5 writes: before it there were rope_theta and, for
 * stretched contexts, rope_scaling, whose kind was called `type` at first. Leaves what it cannot read as it is.
 */
export function normalizeRope(config: unknown): unknown {
  const parsed = notations.safeParse(config);
  if (!parsed.success) return config;
  const { rope_theta: base, rope_scaling: scaling, rope_parameters: given, ...rest } = parsed.data;
  const { type, ...fields } = given ?? scaling ?? {};
  return {
    ...rest,
    rope_parameters: { rope_type: type ?? 'default', ...(base && { rope_theta: base }), ...fields },
  };
}

/** Radians a position of each pair, and a factor of cosine and sine. */
export interface RotaryFrequencies {
  readonly frequencies: readonly number[];
  readonly amplitude: number;
}

/** theta^(-2 i / width) (Su et al., 2021, equation 15), stretched as the configuration says. */
export function rotaryFrequencies(parameters: RopeParameters, width: number): RotaryFrequencies {
  const base = Array.from({ length: width / 2 }, (_, i) => parameters.rope_theta ** ((-2 * i) / width));
  switch (parameters.rope_type) {
    case 'default':
      return { frequencies: base, amplitude: 1 };
    case 'linear':
      return { frequencies: base.map((frequency) => frequency / parameters.factor), amplitude: 1 };
    case 'llama3':
      return { frequencies: base.map((frequency) => llama3(frequency, parameters)), amplitude: 1 };
    case 'yarn':
      return yarn(base, width, parameters);
  }
}

/** Long waves are stretched, short ones kept, those between blended (Llama Team, 2024, as in their reference code). */
function llama3(
  frequency: number,
  {
    factor: stretch,
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: original,
  }: Extract<RopeParameters, { rope_type: 'llama3' }>,
): number {
  const turns = (original * frequency) / (2 * Math.PI);
  if (turns > high) return frequency;
  if (turns < low) return frequency / stretch;
  const smooth = (turns - low) / (high - low);
  return ((1 - smooth) * frequency) / stretch + smooth * frequency;
}

/** YaRN (Peng et al., 2023, sections 3.2 and 3.4); the ramp's ends are whole indices of pairs, as in its reference code. */
function yarn(
  base: readonly number[],
  width: number,
  parameters: Extract<RopeParameters, { rope_type: 'yarn' }>,
): RotaryFrequencies {
  const { rope_theta: theta_, factor: stretch, original_max_position_embeddings: original } = parameters;
  const { beta_fast: fast, beta_slow: slow, truncate } = parameters;
  /** The pair that makes so many turns in the original context. */
  const pairOf = (turns: number): number =>
    (width * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta_));
  const first = Math.max(truncate ? Math.floor(pairOf(fast)) : pairOf(fast), 0);
  const last = Math.min(truncate ? Math.ceil(pairOf(slow)) : pairOf(slow), width - 1);
  const span = last === first ? 0.001 : last - first;
  return {
    frequencies: base.map((frequency, i) => {
      const stretched = Math.min(1, Math.max(0, (i - first) / span));
      return frequency * (1 - stretched) + (frequency / stretch) * stretched;
    }),
    amplitude: yarnAmplitude(parameters),
  };
}

function yarnAmplitude({
  factor: stretch,
  attention_factor: given,
  mscale,
  mscale_all_dim: all,
}: Extract<RopeParameters, { rope_type: 'yarn' }>): number {
  if (given !== undefined) return given;
  return mscale && all
    ? yarnTemperature(stretch, mscale) / yarnTemperature(stretch, all)
    : yarnTemperature(stretch, 1);
}

/** 0.1 m ln(s) + 1 (Peng et al., 2023, equation 22). */
export function yarnTemperature(stretch: number, scale: number): number {
  return stretch <= 1 ? 1 : 0.1 * scale * Math.log(stretch) + 1;
}

export interface RotaryTables {
  /** [positions, width / 2] */
  readonly cosine: Tensor;
  readonly sine: Tensor;
  /** Whether pairs are neighbours, or i goes with i + half. */
  readonly interleaved: boolean;
}

/** @param width rotated elements of a head */
export function rotaryTables(
  graph: GraphBuilder,
  count: number,
  width: number,
  parameters: RopeParameters,
  interleaved = false,
): RotaryTables {
  const half = width / 2;
  const { frequencies, amplitude } = rotaryFrequencies(parameters, width);
  const table = (wave: (angle: number) => number): Tensor => {
    const values = new Float32Array(count * half);
    for (const [i, frequency] of frequencies.entries()) {
      for (let position = 0; position < count; position++) {
        values[position * half + i] = wave(position * frequency) * amplitude;
      }
    }
    return constant(graph, values, [count, half], 'float32');
  };
  return { cosine: table(Math.cos), sine: table(Math.sin), interleaved };
}
