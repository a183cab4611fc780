/**
 * How records are read into texts: a dataset's settings for extraction, normalisation and the time that one document
 * may take. They decide what the texts are, so a dataset keeps them for good.
 */
import { z } from 'zod';
import { TokenmillError } from '../core/errors.js';
import { NORMALIZATIONS, type Normalization } from './formats/normalize.js';

export const TEXT_FORMS = ['text', 'markdown'] as const;

export const readingConfigSchema = z.strictObject({
  /** Form of the text of HTML pages. */
  extract: z.enum(TEXT_FORMS),
  /** Whether Markdown has the addresses of links. */
  links: z.boolean(),
  /** Whether readers' comments are part of the text of a page. */
  comments: z.boolean(),
  /** Steps in their order. */
  normalize: z.array(z.enum(NORMALIZATIONS)),
  /** A document that takes longer to be read is bad, with reason `extract-timeout`. */
  timeout_seconds: z.number().positive(),
});

export type ReadingConfig = Readonly<z.output<typeof readingConfigSchema>>;

/** Many times what the largest page takes, so that only a page that nobody thought of meets it. */
const TIMEOUT_SECONDS = 60;

export const DEFAULT_READING: ReadingConfig = {
  extract: 'text',
  links: false,
  comments: false,
  normalize: ['control'],
  timeout_seconds: TIMEOUT_SECONDS,
};

const flag = z.union([z.boolean(), z.stringbool()]).default(false);

/** Settings as they are asked for. */
export const readingSettings = {
  extract: z
    .enum(TEXT_FORMS)
    .optional()
    .describe('form of the text of HTML pages: text or markdown (default: text)'),
  keepLinks: flag.describe('keep the addresses of links in Markdown'),
  keepComments: flag.describe("keep readers' comments on a page"),
  normalize: z
    .string()
    .optional()
    .describe(
      `steps of normalisation: none, or any of ${NORMALIZATIONS.join(', ')}, separated by commas (default: control)`,
    ),
  extractTimeout: z.coerce
    .number()
    .min(0.001)
    .max(3600)
    .optional()
    .describe(`seconds that one document may take to be read (default: ${TIMEOUT_SECONDS})`),
};

export interface ReadingRequest {
  readonly extract?: (typeof TEXT_FORMS)[number];
  readonly keepLinks?: boolean;
  readonly keepComments?: boolean;
  readonly normalize?: string;
  readonly extractTimeout?: number;
}

/** @throws TokenmillError CONFIG_INVALID for a step that there is none of, and for links without Markdown */
export function readingConfig(request: ReadingRequest): ReadingConfig {
  const extract = request.extract ?? DEFAULT_READING.extract;
  if (request.keepLinks === true && extract !== 'markdown') {
    throw new TokenmillError('CONFIG_INVALID', '--keep-links needs --extract markdown', {
      hint: 'plain text has no place for the addresses of links',
    });
  }
  return {
    extract,
    links: request.keepLinks === true,
    comments: request.keepComments === true,
    normalize: request.normalize === undefined ? DEFAULT_READING.normalize : parseSteps(request.normalize),
    timeout_seconds: request.extractTimeout ?? DEFAULT_READING.timeout_seconds,
  };
}

/** Whatever their order, steps are done in that of NORMALIZATIONS. */
function parseSteps(text: string): Normalization[] {
  const names = text.split(',').map((name) => name.trim());
  const asked = names.length === 1 && names[0] === 'none' ? [] : names;
  const unknown = asked.find((name) => !(NORMALIZATIONS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new TokenmillError('CONFIG_INVALID', `there is no normalisation "${unknown}"`, {
      hint: `there are: none, ${NORMALIZATIONS.join(', ')}`,
    });
  }
  return NORMALIZATIONS.filter((name) => asked.includes(name));
}

/** What a run asks for explicitly, and what the dataset has; name of the flag first. */
export function readingAsked(
  config: ReadingConfig,
  request: ReadingRequest,
): [string, string | number | undefined, string | number][] {
  const asked = readingConfig({ ...request, extract: request.extract ?? config.extract });
  const list = (steps: readonly string[]): string => (steps.length === 0 ? 'none' : steps.join(','));
  const flagOf = (value: boolean): string => (value ? 'yes' : 'no');
  return [
    ['extract', request.extract, config.extract],
    ['keep-links', request.keepLinks === true ? 'yes' : undefined, flagOf(config.links)],
    ['keep-comments', request.keepComments === true ? 'yes' : undefined, flagOf(config.comments)],
    [
      'normalize',
      request.normalize === undefined ? undefined : list(asked.normalize),
      list(config.normalize),
    ],
    ['extract-timeout', request.extractTimeout, config.timeout_seconds],
  ];
}
