/**
 * Parameters of MinHash: which shingles, how many permutations, cut into how many bands of how many rows; the published
 * choices by name, and a plan from a threshold.
 *
 * Two texts whose sets of shingles have the Jaccard similarity J share a band with probability 1 - (1 - J^rows)^bands
 * (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4): an S-curve in J.
 */
import { z } from 'zod';
import { TokenmillError } from '../../core/errors.js';

/** What the buffers of the permutations hold at most. */
export const MAX_PERMUTATIONS = 1024;
/** A shingle longer than this is no shingle any more. */
export const MAX_SHINGLE = 1000;

export const minhashSchema = z
  .strictObject({
    bands: z.number().int().min(1),
    rows: z.number().int().min(1),
    seed: z.number().int().min(0).max(0xffffffff),
    /** What a shingle is made of; letters of scripts without spaces are words of one letter each. */
    unit: z.enum(['words', 'characters']),
    /** Units of one shingle. */
    shingle: z.number().int().min(1).max(MAX_SHINGLE),
    /** Whether accents are taken off first (canonical decomposition without nonspacing marks). */
    fold: z.boolean(),
  })
  .refine(({ bands, rows }) => bands * rows <= MAX_PERMUTATIONS, {
    message: `bands x rows is above ${MAX_PERMUTATIONS}`,
  });

export type MinhashParameters = Readonly<z.output<typeof minhashSchema>>;

/** FineWeb's: probability 1/2 at J = 0.72, 0.924 at J = 0.8. */
const FINEWEB: MinhashParameters = {
  bands: 14,
  rows: 8,
  seed: 1,
  unit: 'words',
  shingle: 5,
  fold: false,
};

export const DEFAULT_MINHASH = FINEWEB;

export const PRESETS = {
  fineweb: FINEWEB,
  // Stanford CS336, assignment 4: 500 hashes in 50 bands over 5-grams of text without case, punctuation and accents;
  // its candidates count where their exact similarity is at least 0.8 (see `verify`).
  cs336: { ...FINEWEB, bands: 50, rows: 10, fold: true },
  // NeMo Curator's fuzzy deduplication.
  nemo: { ...FINEWEB, bands: 20, rows: 13, unit: 'characters', shingle: 24 },
} as const satisfies Record<string, MinhashParameters>;

type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS);

/** Permutations that a plan from a threshold spends: as many as the default has. */
const PLANNED_PERMUTATIONS = FINEWEB.bands * FINEWEB.rows;

/** Chance that two texts of similarity `jaccard` share at least one band. */
export function collisionProbability(
  jaccard: number,
  { bands, rows }: { bands: number; rows: number },
): number {
  return 1 - (1 - jaccard ** rows) ** bands;
}

/** The similarity at which that chance rises fastest, about: (1 / bands)^(1 / rows). */
export function midpoint({ bands, rows }: { bands: number; rows: number }): number {
  return (1 / bands) ** (1 / rows);
}

/**
 * Bands and rows whose probability of a shared band rises fastest near `threshold`: of all that use more than half of
 * `permutations`, so that the rise is steep, those with (1/bands)^(1/rows) nearest to it; of equals the most hashes.
 * @param threshold Jaccard similarity, above 0 and below 1
 * @throws TokenmillError CONFIG_INVALID where it is not
 */
export function planBands(
  threshold: number,
  permutations = PLANNED_PERMUTATIONS,
): { bands: number; rows: number } {
  if (!(threshold > 0 && threshold < 1)) {
    throw new TokenmillError('CONFIG_INVALID', `threshold ${threshold} is not between 0 and 1`, {
      hint: 'it is a Jaccard similarity, for example 0.8',
    });
  }
  const EQUAL = 1e-9;
  let best = { bands: 1, rows: permutations };
  let bestDistance = Infinity;
  for (let rows = 1; rows <= permutations; rows++) {
    for (let bands = Math.floor(permutations / rows); bands * rows * 2 > permutations; bands--) {
      const distance = Math.abs(midpoint({ bands, rows }) - threshold);
      const isNearer = distance < bestDistance - EQUAL;
      if (isNearer || (distance < bestDistance + EQUAL && bands * rows > best.bands * best.rows)) {
        best = { bands, rows };
        bestDistance = distance;
      }
    }
  }
  return best;
}

export interface MinhashRequest {
  /** A preset, or `BANDSxROWS` with all else as the default has it. */
  readonly minhash?: string;
  /** Plans bands and rows for a similarity. */
  readonly threshold?: number;
  /** `words:N` or `characters:N`. */
  readonly shingle?: string;
}

/**
 * Parameters out of what a person asked for.
 * @throws TokenmillError CONFIG_INVALID
 */
export function minhashParameters({
  minhash = 'fineweb',
  threshold,
  shingle,
}: MinhashRequest): MinhashParameters {
  return {
    ...(isPreset(minhash) ? PRESETS[minhash] : { ...DEFAULT_MINHASH, ...parseBands(minhash) }),
    ...(threshold === undefined ? {} : planBands(threshold)),
    ...(shingle === undefined ? {} : parseShingle(shingle)),
  };
}

export function isPreset(name: string): name is PresetName {
  return Object.hasOwn(PRESETS, name);
}

function parseBands(text: string): { bands: number; rows: number } {
  const match = /^(\d{1,4})x(\d{1,4})$/.exec(text);
  const [bands, rows] = [Number(match?.[1]), Number(match?.[2])];
  if (bands > 0 && rows > 0 && bands * rows <= MAX_PERMUTATIONS) return { bands, rows };
  throw new TokenmillError(
    'CONFIG_INVALID',
    `${text} is neither a preset nor BANDSxROWS with a product of at most ${MAX_PERMUTATIONS}`,
    { hint: `presets: ${PRESET_NAMES.join(', ')}; bands and rows: for example 14x8` },
  );
}

function parseShingle(text: string): { unit: 'words' | 'characters'; shingle: number } {
  const match = /^(words|characters):(\d{1,4})$/.exec(text);
  const shingle = Number(match?.[2]);
  if (match !== null && shingle > 0 && shingle <= MAX_SHINGLE) {
    return { unit: match[1] as 'words' | 'characters', shingle };
  }
  throw new TokenmillError(
    'CONFIG_INVALID',
    `${text} is not words:N or characters:N, N from 1 to ${MAX_SHINGLE}`,
    {
      hint: 'for example words:5 or characters:24',
    },
  );
}
