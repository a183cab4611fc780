/**
 * Hugging Face's tokenizer.json with a byte-level BPE model, read and written.
 *
 * Read: `added_tokens` (all of them become specials, with what they ask of their surroundings), the normalizer NFC, pre-tokenizers of `Split`, `Digits` and
 * `ByteLevel`, and BPE with or without `ignore_merges`. A post-processor, which frames a text with specials, is not
 * applied: ids are those of `encode(text, add_special_tokens=False)`. What would change ids and is not known is refused.
 */
import { z } from 'zod';
import { TokenmillError } from '../../core/errors.js';
import type { TokenizerModel } from '../model.js';
import { parsePattern, patternSources, type Pattern } from '../patterns.js';
import { PLAIN_SPECIAL } from '../specials.js';
import { tokenBytes, vocabularySize } from '../vocabulary.js';
import { buildByteLevel, invalid } from './byte-level-model.js';
import { toByteLevel } from './byte-level.js';

const addedToken = z.object({
  id: z.number().int().nonnegative(),
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
});

const split = z.object({
  type: z.literal('Split'),
  pattern: z.union([z.object({ Regex: z.string() }), z.object({ String: z.string() })]),
  behavior: z.string(),
  invert: z.boolean().default(false),
});
const digits = z.object({ type: z.literal('Digits'), individual_digits: z.boolean().default(false) });
const byteLevel = z.object({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.boolean().default(true),
  use_regex: z.boolean().default(true),
});
const step = z.discriminatedUnion('type', [split, digits, byteLevel]);
const preTokenizer = z.union([step, z.object({ type: z.literal('Sequence'), pretokenizers: z.array(step) })]);

const nfc = z.object({ type: z.literal('NFC') });
const normalizer = z.union([nfc, z.object({ type: z.literal('Sequence'), normalizers: z.array(nfc) })]);

const tokenizerFile = z.object({
  added_tokens: z.array(addedToken).default([]),
  normalizer: normalizer.nullish(),
  pre_tokenizer: preTokenizer,
  model: z.object({
    type: z.literal('BPE').default('BPE'),
    dropout: z.literal(0).nullish(),
    continuing_subword_prefix: z.literal('').nullish(),
    end_of_word_suffix: z.literal('').nullish(),
    ignore_merges: z.boolean().default(false),
    // Their elements are checked one by one where they are used: they are hundreds of thousands.
    vocab: z.custom<Record<string, unknown>>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'not an object',
    ),
    merges: z.custom<readonly unknown[]>(Array.isArray, 'not an array'),
  }),
});

type Step = z.output<typeof step>;

/** @throws TokenmillError TOKENIZER_INVALID naming what is wrong or not supported */
export function parseHuggingFace(content: unknown, file: string): TokenizerModel {
  const parsed = tokenizerFile.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TokenmillError('TOKENIZER_INVALID', `${file}: ${issue.path.join('.')}: ${issue.message}`, {
      place: { file },
      hint: 'supported are byte-level BPE tokenizers: model BPE without dropout, pre-tokenizers Split, Digits and ByteLevel, normalizer NFC',
      cause: parsed.error,
    });
  }
  const { added_tokens: added, model, pre_tokenizer: pre, normalizer: norm } = parsed.data;
  const steps = pre.type === 'Sequence' ? pre.pretokenizers : [pre];
  const prefixSpace = addsPrefixSpace(steps, file);
  const usesNfc = norm !== null && norm !== undefined && (norm.type === 'NFC' || norm.normalizers.length > 0);
  return {
    ...buildByteLevel({
      vocab: model.vocab,
      merges: model.merges,
      specials: added.map(({ content: text, id }) => [text, id]),
      file,
    }),
    pattern: patternOf(steps, file),
    wholePieces: model.ignore_merges,
    nfc: usesNfc,
    ...rulesOf(added, usesNfc),
    ...(prefixSpace ? { prefixSpace } : {}),
  };
}

/** Of the added tokens, those that ask for something. Where nothing normalizes, `normalized` is only a later turn. */
function rulesOf(
  added: readonly z.output<typeof addedToken>[],
  usesNfc: boolean,
): Pick<TokenizerModel, 'specialRules'> {
  const anyPlain = added.some(({ normalized }) => !normalized);
  const rules = added.flatMap(({ content, lstrip, rstrip, single_word: singleWord, normalized }) => {
    const rule = { lstrip, rstrip, singleWord, normalized: normalized && (usesNfc || anyPlain) };
    return Object.values(rule).includes(true) ? [[content, rule] as const] : [];
  });
  return rules.length === 0 ? {} : { specialRules: new Map(rules) };
}

/** Whether a space goes in front of the text; in front of every piece of a step before is not supported. */
function addsPrefixSpace(steps: readonly Step[], file: string): boolean {
  const last = steps.at(-1);
  if (last?.type !== 'ByteLevel' || !last.add_prefix_space) return false;
  if (steps.length > 1) {
    throw invalid(
      file,
      `pre_tokenizer.pretokenizers.${steps.length - 1}: add_prefix_space behind another step, where it is for every piece, is not supported`,
    );
  }
  return true;
}

function patternOf(steps: readonly Step[], file: string): Pattern {
  // Steps behind ByteLevel would see its characters instead of the text.
  if (steps.findIndex(({ type }) => type === 'ByteLevel') !== steps.length - 1) {
    throw invalid(
      file,
      'pre_tokenizer does not end with ByteLevel: only byte-level tokenizers are supported',
    );
  }
  const sources = steps.flatMap((current) => {
    if (current.type === 'Digits') return [current.individual_digits ? '\\p{N}' : '\\p{N}+'];
    if (current.type === 'Split') return [sourceOf(current, file)];
    return current.use_regex ? [...patternSources('gpt2')] : [];
  });
  return sources.length === 1 ? parsePattern(sources[0]) : sources;
}

function sourceOf(current: z.output<typeof split>, file: string): string {
  const source =
    'Regex' in current.pattern
      ? current.pattern.Regex
      : current.pattern.String.replaceAll(/[\^$\\.*+?()[\]{}|]/g, '\\$&');
  // To remove what is not matched is to isolate what is, where the pattern leaves nothing out: those with a name do not.
  const matchesAll = typeof parsePattern(source) === 'string';
  const isolated =
    current.behavior === 'Isolated' || (current.behavior === 'Removed' && current.invert && matchesAll);
  if (!isolated)
    throw invalid(file, `pre_tokenizer: Split with behavior ${current.behavior} is not supported`);
  return source;
}

/** How Hugging Face's files say what an added token asks of its surroundings. */
export function addedTokenFlags(model: TokenizerModel, content: string): Record<string, boolean> {
  const { singleWord, lstrip, rstrip, normalized } = model.specialRules?.get(content) ?? PLAIN_SPECIAL;
  return { single_word: singleWord, lstrip, rstrip, normalized };
}

/** The content of tokenizer.json. */
export function toHuggingFace(model: TokenizerModel): unknown {
  const added = [...model.specials].map(([content, id]) => ({
    id,
    content,
    ...addedTokenFlags(model, content),
    special: true,
  }));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.sort((a, b) => a.id - b.id),
    normalizer: model.nfc ? { type: 'NFC' } : null,
    pre_tokenizer: preTokenizerOf(model),
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: model.wholePieces,
      vocab: vocabOf(model),
      merges: mergesOf(model),
    },
  };
}

function preTokenizerOf({ pattern, prefixSpace = false }: TokenizerModel): unknown {
  const byteLevelStep = {
    type: 'ByteLevel',
    add_prefix_space: prefixSpace,
    trim_offsets: true,
    use_regex: pattern === 'gpt2',
  };
  if (pattern === 'gpt2') return byteLevelStep;
  const splits = patternSources(pattern).map((source) => ({
    type: 'Split',
    pattern: { Regex: source },
    behavior: 'Isolated',
    invert: false,
  }));
  return { type: 'Sequence', pretokenizers: [...splits, byteLevelStep] };
}

/** Tokens as text, to their ids; those that are in use. */
export function vocabOf(model: TokenizerModel): Record<string, number> {
  const special = new Map([...model.specials].map(([text, id]) => [id, text]));
  // Without a prototype: a token may be `__proto__`.
  const vocab = Object.create(null) as Record<string, number>;
  for (let id = 0; id < vocabularySize(model.vocabulary); id++) {
    const bytes = tokenBytes(model.vocabulary, id);
    if (bytes.length > 0) vocab[special.get(id) ?? toByteLevel(bytes)] = id;
  }
  return vocab;
}

/**
 * Merges as text, first merge first, the two tokens with a space between: no byte-level character is a space. Newer files
 * have pairs; this form is read by all versions of tokenizers, and in a third of the time.
 */
export function mergesOf(model: TokenizerModel): string[] {
  const { merges, vocabulary } = model;
  const texts = Array.from({ length: vocabularySize(vocabulary) }, (_, id) =>
    toByteLevel(tokenBytes(vocabulary, id)),
  );
  return Array.from(
    { length: merges.length / 3 },
    (_, rank) => `${texts[merges[3 * rank]]} ${texts[merges[3 * rank + 1]]}`,
  );
}
