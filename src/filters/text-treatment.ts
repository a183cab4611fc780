/**
 * What is done to the text of a document after it was measured and before it is deduplicated, kept and tokenized:
 * lines taken out, personal data masked. And the lists that its address is looked up in.
 *
 * Signals are always those of the text as it was extracted; a policy judges that text.
 */
import { z } from 'zod';
import { TokenmillError } from '../core/errors.js';
import { canonicalJson, sha256 } from '../core/hash.js';
import { c4CleanedText } from './lines/c4-lines.js';
import { refinedWebText } from './lines/refinedweb-lines.js';
import { loadUrlLists } from './lists/load-url-lists.js';
import { UrlLists, type UrlListsData } from './lists/url-lists.js';
import { maskPii, maskProfile, type MaskProfile } from './pii/mask.js';

export const TRANSFORMS = ['c4', 'c4-any-end', 'refinedweb'] as const;
export type Transform = (typeof TRANSFORMS)[number];

/** What each does, for help and documentation. */
export const TRANSFORM_DOCS: Readonly<Record<Transform, string>> = {
  c4: "C4's rules for lines, citations taken out",
  'c4-any-end': 'the same without the rule for punctuation at the end of lines, as FineWeb has it',
  refinedweb: "RefinedWeb's corrections of lines",
};

/** Settings as they are asked for. */
export const textSettings = {
  transform: z
    .enum(TRANSFORMS)
    .optional()
    .describe('lines to take out of the texts that are kept: c4, c4-any-end or refinedweb (default: none)'),
  mask: z
    .string()
    .optional()
    .describe(
      'personal data to mask: a profile (default, cs336, datatrove), then replacements: default,email=<email>',
    ),
  urlLists: z
    .string()
    .optional()
    .describe('blocklists and word lists for addresses: files or folders, separated by commas'),
} as const;

export interface TextSettings {
  readonly transform?: Transform | undefined;
  readonly mask?: string | undefined;
  readonly urlLists?: string | undefined;
}

/** Settings as a dataset records them. */
export const textConfigSchema = z.object({
  transform: z.enum(TRANSFORMS).nullable(),
  mask: z.string().nullable(),
  /** Of the entries of all lists. */
  url_lists_sha256: z.string().nullable(),
});

export type TextConfig = z.output<typeof textConfigSchema>;

/** What a thread needs to treat texts; it can be sent to one. */
export interface TextTreatmentData {
  readonly transform: Transform | null;
  readonly mask: string | null;
  readonly lists: UrlListsData | null;
}

export const NO_TREATMENT: TextTreatmentData = { transform: null, mask: null, lists: null };

/**
 * Reads the lists that settings name, and checks the rest.
 * @throws TokenmillError CONFIG_INVALID, FILE_NOT_FOUND, INPUT_TOO_LARGE
 */
export async function prepareTreatment(
  settings: TextSettings,
): Promise<{ data: TextTreatmentData; config: TextConfig }> {
  const transform = settings.transform ?? null;
  const mask = settings.mask ?? null;
  if (mask !== null) parseMask(mask);
  const paths = (settings.urlLists ?? '').split(',').filter((path) => path !== '');
  const lists = paths.length === 0 ? null : await loadUrlLists(paths);
  return {
    data: { transform, mask, lists },
    config: { transform, mask, url_lists_sha256: lists === null ? null : hashOf(lists) },
  };
}

function hashOf(lists: UrlListsData): string {
  const { hosts, addresses, ...rest } = lists;
  const bytes = (entries: BigUint64Array): string => sha256(Buffer.from(entries.buffer));
  return sha256(canonicalJson({ ...rest, hosts: bytes(hosts), addresses: bytes(addresses) }));
}

/** `profile,kind=text,...` as `--mask` has it. @throws TokenmillError CONFIG_INVALID */
export function parseMask(text: string): MaskProfile {
  const [profile, ...parts] = text.split(',');
  const overrides = parts.map((part): [string, string] => {
    const split = part.indexOf('=');
    if (split > 0) return [part.slice(0, split), part.slice(split + 1)];
    throw new TokenmillError('CONFIG_INVALID', `"${part}" in the mask ${text} is not of the form kind=text`, {
      hint: 'for example --mask default,email=<email>',
    });
  });
  return maskProfile(profile, Object.fromEntries(overrides));
}

export class TextTreatment {
  readonly lists: UrlLists | undefined;
  private readonly transform: Transform | null;
  private readonly profile: MaskProfile | undefined;

  constructor(data: TextTreatmentData) {
    this.lists = data.lists === null ? undefined : new UrlLists(data.lists);
    this.transform = data.transform;
    this.profile = data.mask === null ? undefined : parseMask(data.mask);
  }

  /** The text that is kept of a text. */
  apply(text: string): string {
    const lines = transformText(text, this.transform);
    return this.profile === undefined ? lines : maskPii(lines, this.profile).text;
  }
}

function transformText(text: string, transform: Transform | null): string {
  switch (transform) {
    case 'c4':
      return c4CleanedText(text, { terminalPunctuation: true });
    case 'c4-any-end':
      return c4CleanedText(text, { terminalPunctuation: false });
    case 'refinedweb':
      return refinedWebText(text);
    case null:
      return text;
  }
}
