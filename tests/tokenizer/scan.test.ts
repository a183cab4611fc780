import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.js';
import { patternSources, scannerOf, type PatternName } from '../../src/tokenizer/patterns.js';
import { classOf } from '../../src/tokenizer/scan/classes.js';
import { makeRegexScanner } from '../../src/tokenizer/scan/regex.js';
import { LOOKAHEAD } from '../../src/tokenizer/scan/scanner.js';
import { scanBytes, scanText, wasmScanner } from './pieces.js';
import { hardText, SAMPLES } from './texts.js';

/** Patterns with scanners of their own; llama3 is cl100k. */
const NAMES = ['gpt2', 'cl100k', 'o200k', 'qwen'] as const satisfies readonly PatternName[];

const CLASSES = [
  /[\p{Lu}\p{Lt}]/u,
  /\p{Ll}/u,
  /[\p{Lm}\p{Lo}]/u,
  /\p{M}/u,
  /\p{N}/u,
  /(?![\r\n])\p{White_Space}/u,
  /[\r\n]/u,
];

/** Whether the runtime, whose Unicode may be of a later version, has a character in the same class as the tables. */
function classifiedAlike(character: string): boolean {
  const known = classOf(character.codePointAt(0) as number);
  return CLASSES.findIndex((expression) => expression.test(character)) + 1 === known;
}

describe('cases worked by hand', () => {
  it.each([
    ['gpt2', "I'll go,  don't  ", ['I', "'ll", ' go', ',', ' ', ' don', "'t", '  ']],
    ['gpt2', "IT'S 'S", ['IT', "'", 'S', " '", 'S']],
    ['gpt2', 'a1b\n\n c', ['a', '1', 'b', '\n\n', ' c']],
    ['gpt2', '12345 6.7', ['12345', ' 6', '.', '7']],
    ['gpt2', 'a\n\n\nb', ['a', '\n\n', '\n', 'b']],
    ['gpt2', '\u00a0a  b', ['\u00a0', 'a', ' ', ' b']],
    ['cl100k', "IT'S wE'LL o'ſt", ['IT', "'S", ' wE', "'LL", ' o', "'ſ", 't']],
    ['cl100k', '12345 6', ['123', '45', ' ', '6']],
    ['cl100k', '$foo (bar)\n\n x', ['$foo', ' (', 'bar', ')\n\n', ' x']],
    ['cl100k', '\ta\n  b', ['\ta', '\n', ' ', ' b']],
    ['cl100k', ' \n \n  ', [' \n \n', '  ']],
    ['cl100k', '\ufeffa \ufeff', ['\ufeffa', ' \ufeff']],
    ['cl100k', 'e\u0301a', ['e', '\u0301a']],
    ['o200k', "HelloWorld ABCdef it's", ['Hello', 'World', ' ABCdef', " it's"]],
    ['o200k', 'aB ABC', ['a', 'B', ' ABC']],
    ['o200k', 'e\u0301a', ['e\u0301a']],
    // The run of upper case gives back all behind the last letter that can also end a word.
    ['o200k', '漢AB', ['漢', 'AB']],
    ['o200k', '\u0301A', ['\u0301', 'A']],
    ['o200k', 'a/b//\n/c', ['a', '/b', '//\n/', 'c']],
    ['qwen', '123 a', ['1', '2', '3', ' a']],
  ] as const)('%s: %j', (name, text, expected) => {
    expect(scanText(scannerOf(name), text)).toEqual(expected);
    expect(scanText(wasmScanner(name), text)).toEqual(expected);
    // Far from the end, where blocks of 64 bytes are cut at a time.
    const before = 'word\n'.repeat(3);
    const behind = ` ${'word '.repeat(20)}`;
    expect(scanText(wasmScanner(name), before + text + behind)).toEqual(
      scanText(scannerOf(name), before + text + behind),
    );
  });
});

const SCANNERS = NAMES.flatMap((name) => [
  { name, engine: 'TypeScript', scanner: scannerOf(name) },
  { name, engine: 'WebAssembly', scanner: wasmScanner(name) },
]);

describe.each(SCANNERS)('scanner of $name in $engine', ({ name, scanner }) => {
  const expression = makeRegexScanner(patternSources(name));

  it('cuts as its regular expression does', () => {
    const random = new Random(1);
    let compared = 0;
    for (const text of Object.values(SAMPLES))
      expect(scanText(scanner, text)).toEqual(scanText(expression, text));
    for (let index = 0; index < 2500; index++) {
      const text = hardText(random, 20);
      if (![...text].every(classifiedAlike)) continue;
      compared += 1;
      expect(scanText(scanner, text), JSON.stringify(text)).toEqual(scanText(expression, text));
    }
    expect(compared).toBeGreaterThan(2200);
  });

  it('never lets following text change what it gave out', () => {
    const random = new Random(2);
    const text = new TextEncoder().encode(
      Array.from({ length: 30 }, () => hardText(random, 20)).join('') + "'".repeat(20) + '一AAAAAAAAAAAAAA',
    );
    const whole = scanBytes(scanner, text, true).map((piece) => piece.byteOffset + piece.length);
    for (let length = 0; length < text.length; length += 1 + random.below(6)) {
      const part = scanBytes(scanner, text.slice(0, length), false);
      const ends = part.map((piece) => piece.byteOffset + piece.length);
      expect(ends).toEqual(whole.slice(0, ends.length));
      // It holds back no more than it needs: what ends well before, and is followed by something else, is given out.
      if (length > 3000) expect(length - (ends.at(-1) ?? 0)).toBeLessThan(600 + LOOKAHEAD);
    }
  });

  it('covers any bytes without gaps', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const pieces = scanBytes(scanner, bytes, true);
        expect(pieces.every((piece) => piece.length > 0)).toBe(true);
        expect(Buffer.concat(pieces).equals(Buffer.from(bytes))).toBe(true);
      }),
      { seed: 3, numRuns: 1000 },
    );
  });
});

describe.each(NAMES)('blocks of ASCII with the pattern %s', (name) => {
  // Few characters, so that every sequence that a rule tells apart comes at every place of a block.
  const ALPHABETS = [
    "aB1 .'\n",
    "aAbBsStTlLvVrReEdDmM'",
    ' \t\n\ra',
    '0123456789 a',
    'a /.\n\r',
    "a b'é \n漢ſ",
  ];

  it('are cut as in TypeScript', () => {
    const random = new Random(4);
    const [ours, theirs] = [wasmScanner(name), scannerOf(name)];
    for (let index = 0; index < 12_000; index++) {
      const alphabet = [...random.pick(ALPHABETS)];
      const text = Buffer.from(
        Array.from({ length: random.below(160) }, () => random.pick(alphabet)).join(''),
      );
      for (const final of [true, false]) {
        const ends = (scanner: typeof ours): number[] =>
          scanBytes(scanner, text, final).map((piece) => piece.byteOffset + piece.length - text.byteOffset);
        const [found, expected] = [ends(ours), ends(theirs)];
        // What is given out before the end is known may be more or less, but never something else.
        const shared = final
          ? Math.max(found.length, expected.length)
          : Math.min(found.length, expected.length);
        expect(found.slice(0, shared), JSON.stringify(text.toString())).toEqual(expected.slice(0, shared));
      }
    }
  });
});
