/**
 * Pre-tokenization patterns by name: how a text is cut into pieces that merges never cross.
 *
 * Each has a scanner and its regular expression as tokenizer.json files write it. A pattern without a name is a regular
 * expression, or several that are applied one after another, for the general scanner.
 */
import { scanCl100k, scanQwen } from './scan/cl100k.js';
import { scanGpt2 } from './scan/gpt2.js';
import { scanO200k } from './scan/o200k.js';
import { makeRegexScanner } from './scan/regex.js';
import type { Scanner } from './scan/scanner.js';

export const PATTERN_NAMES = ['gpt2', 'cl100k', 'o200k', 'llama3', 'qwen'] as const;

export type PatternName = (typeof PATTERN_NAMES)[number];

/** A name, or the sources of regular expressions. */
export type Pattern = PatternName | readonly string[];

const CL100K_SOURCE =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const SOURCES: Readonly<Record<PatternName, string>> = {
  gpt2: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  cl100k: CL100K_SOURCE,
  o200k: [
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    '\\p{N}{1,3}',
    ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*',
    '\\s*[\\r\\n]+',
    '\\s+(?!\\S)',
    '\\s+',
  ].join('|'),
  llama3: CL100K_SOURCE,
  qwen: CL100K_SOURCE.replace('{1,3}', ''),
};

const SCANNERS: Readonly<Record<PatternName, Scanner>> = {
  gpt2: scanGpt2,
  cl100k: scanCl100k,
  o200k: scanO200k,
  llama3: scanCl100k,
  qwen: scanQwen,
};

/** Names whose source differs; the first of two that share one speaks for both. */
const CANONICAL = PATTERN_NAMES.filter((name) => name !== 'llama3');

/** Other spellings of a pattern that match the same text. */
const SPELLINGS: ReadonlyMap<string, PatternName> = new Map([
  ...CANONICAL.map((name) => [SOURCES[name], name] as const),
  // tiktoken's, since 0.8
  ["'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s++$|\\s+(?!\\S)|\\s", 'gpt2'],
  ["'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 'gpt2'],
]);

function isName(text: string): text is PatternName {
  return (PATTERN_NAMES as readonly string[]).includes(text);
}

/** The pattern that a name or the source of a regular expression stands for; llama3 and cl100k are one. */
export function parsePattern(text: string): Pattern {
  if (isName(text)) return text === 'llama3' ? 'cl100k' : text;
  return SPELLINGS.get(text) ?? [text];
}

/** Regular expressions of a pattern, in the syntax of tokenizer.json. */
export function patternSources(pattern: Pattern): readonly string[] {
  return typeof pattern === 'string' ? [SOURCES[pattern]] : pattern;
}

/** @throws TokenmillError TOKENIZER_INVALID for an expression that JavaScript has no equal of */
export function scannerOf(pattern: Pattern): Scanner {
  return typeof pattern === 'string' ? SCANNERS[pattern] : makeRegexScanner(pattern);
}

/** How a pattern is shown to a person. */
export function patternName(pattern: Pattern): string {
  return typeof pattern === 'string' ? pattern : pattern.join(' then ');
}
