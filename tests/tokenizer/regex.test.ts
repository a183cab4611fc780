import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePattern, patternSources, scannerOf } from '../../src/tokenizer/patterns.js';
import { compilePattern } from '../../src/tokenizer/scan/regex-syntax.js';
import { makeRegexScanner } from '../../src/tokenizer/scan/regex.js';
import { scanBytes, scanText } from './pieces.js';

function matches(source: string, text: string): string[] {
  return Array.from(text.matchAll(compilePattern(source)), ([match]) => match);
}

describe('syntax of Rust and Oniguruma', () => {
  it.each([
    // White space is the property, not JavaScript's \s.
    ['\\s+', 'a\u0085\ufeffb', ['\u0085']],
    ['[^\\s]+', 'a\u0085\ufeffb', ['a', '\ufeffb']],
    ['\\S', '\u0085a', ['a']],
    ['\\d+', 'x1٣y', ['1٣']],
    ['\\w+', 'é_1-\u0301', ['é_1', '\u0301']],
    // Case folding holds inside the group only, and s and k have a third form.
    ["(?i:'sk)x", "'SKx 'ſKx 'skX", ["'SKx", "'ſKx"]],
    ['(?i:[a-c])d', 'Bd bD', ['Bd']],
    ['(?i:a(?-i:b))', 'Ab AB', ['Ab']],
    // What a possessive quantifier took it does not give back.
    ['a++b|a+a', 'aab aa', ['aab', 'aa']],
    ['a++a|b', 'aaab', ['b']],
    ['[ab]?+a|c', 'bac', ['ba', 'c']],
    ['(?>a|ab)c|b', 'abc', ['b']],
    ['\\s++\\z|\\s', ' a  ', [' ', '  ']],
    ['\\A.', 'ab', ['a']],
    ['\\\'\\"\\-\\ \\/', '\'"- /', ['\'"- /']],
    ['\\x{1F600}|\\x41|\\u0042', '😀AB', ['😀', 'A', 'B']],
    ['\\pL+', 'aé1', ['aé']],
    ['\\p{^L}+', 'a12b', ['12']],
    ['[]a]+', 'a]', ['a]']],
    ['[a-]+', 'a-b', ['a-']],
    ['(?=a)..|(?<=b)c|(?<!x)y|(?!z)w', 'ab bc xy w', ['ab', 'c', 'w']],
    ['a{2,3}?', 'aaaa', ['aa', 'aa']],
  ])('%s', (source, text, expected) => {
    expect(matches(source, text)).toEqual(expected);
  });

  it.each(['(a', 'a)', '[a', '(?<name>a)', '[a&&b]', '[a[b]]', '\\G', 'a\\', '*', '(?x)a'])(
    'refuses %s',
    (source) => {
      expect(() => compilePattern(source)).toThrow(expect.objectContaining({ code: 'TOKENIZER_INVALID' }));
    },
  );
});

describe('general scanner', () => {
  it('keeps what no alternative matches, like the behavior Isolated', () => {
    expect(scanText(makeRegexScanner(['b+']), 'abbc')).toEqual(['a', 'bb', 'c']);
  });

  it('applies expressions one after another', () => {
    expect(scanText(makeRegexScanner(['\\p{N}', '\\p{L}+']), 'ab12-c')).toEqual(['ab', '1', '2', '-', 'c']);
  });

  it('counts bytes that are no UTF-8, and all others, exactly', () => {
    const scanner = makeRegexScanner(['\\p{L}+|\\s+']);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.string({ unit: 'binary' }), (bytes, text) => {
        const mixed = Buffer.concat([Buffer.from(text), bytes, Buffer.from(text)]);
        const pieces = scanBytes(scanner, mixed, true);
        expect(Buffer.concat(pieces).equals(mixed)).toBe(true);
      }),
      { seed: 4, numRuns: 1000 },
    );
    const pieces = scanBytes(scanner, Uint8Array.of(0x61, 0xff, 0xc3, 0x62), true);
    expect(pieces.map((piece) => [...piece])).toEqual([[0x61], [0xff, 0xc3], [0x62]]);
  });
});

describe('patterns by name', () => {
  it('knows the spellings of tokenizer.json and tiktoken', () => {
    for (const name of ['gpt2', 'cl100k', 'o200k', 'qwen'] as const) {
      expect(parsePattern(patternSources(name)[0])).toBe(name);
      expect(parsePattern(name)).toBe(name);
    }
    expect(parsePattern('llama3')).toBe('cl100k');
    expect(
      parsePattern(
        "'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s++$|\\s+(?!\\S)|\\s",
      ),
    ).toBe('gpt2');
    expect(parsePattern('\\w+')).toEqual(['\\w+']);
  });

  it('refuses an expression that cannot be translated when it is used', () => {
    expect(() => scannerOf(['(?<a>b)'])).toThrow(expect.objectContaining({ code: 'TOKENIZER_INVALID' }));
  });
});
