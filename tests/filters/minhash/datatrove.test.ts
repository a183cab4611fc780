/**
 * Values of datatrove 0.10's own `MinhashDedupSignature` (14 x 8, 5-grams, 64-bit SHA-1, seed 1) with spaCy 3.8 and
 * NumPy 2.4.
 */
import { describe, expect, test } from 'vitest';
import {
  datatroveParameters,
  datatroveSignature,
  simplifyText,
} from '../../../src/filters/minhash/datatrove.js';

test('the parameters of seed 1', () => {
  const { a, b } = datatroveParameters(112, 1);
  expect([...a.subarray(0, 3)]).toEqual([775169054918279404n, 1758426461858698313n, 2109959069025162n]);
  expect(b[0]).toBe(1062448801025099917n);
});

const GOLDEN: readonly [string, string, readonly bigint[], bigint, bigint][] = [
  [
    'The quick brown fox jumps over the lazy dog.',
    'the quick brown fox jumps over the lazy dog',
    [585594454516184072n, 284080765670708113n, 594234408324153881n],
    800584869340422436n,
    9597036817251609440n,
  ],
  [
    'On 3 May 2021, prices rose by 1,250.75 percent; "nobody" (not even the Bank) expected THAT much!',
    'on 0 may 0 prices rose by 0 0 percent nobody not even the bank expected that much',
    [137589768838956747n, 209118279672639649n, 112219259963822557n],
    79434784342492247n,
    16964424155687956385n,
  ],
  [
    "Après l’été, les élèves de l'école reçoivent 12 cahiers — déjà usés…\nEt puis, voilà: c'est tout.",
    'apres l ete les eleves de l ecole recoivent 0 cahiers deja uses et puis voila c est tout',
    [96249642115662102n, 393438182985243722n, 31575596285660805n],
    221828562246686321n,
    16518812193747907912n,
  ],
  [
    'In the beginning the river ran past the old bridge, and the market in winter sold paper lamps and bread. In the beginning the river ran past the old bridge; nobody knew why.',
    'in the beginning the river ran past the old bridge and the market in winter sold paper lamps and bread in the beginning the river ran past the old bridge nobody knew why',
    [120584553674525175n, 106029111103881952n, 83274166971826048n],
    32187746284962042n,
    10553858066471744807n,
  ],
];

describe.each(GOLDEN)('%s', (text, simplified, first, last, sum) => {
  test('simplified text', () => expect(simplifyText(text)).toBe(simplified));

  test('all 112 minima: the first three, the last and their sum modulo 2^64', () => {
    const signature = datatroveSignature(text) as BigUint64Array;
    expect(signature).toHaveLength(112);
    expect([...signature.subarray(0, 3)]).toEqual(first);
    expect(signature[111]).toBe(last);
    expect(
      BigInt.asUintN(
        64,
        signature.reduce((total, value) => total + value, 0n),
      ),
    ).toBe(sum);
  });
});

test('the minima are those of the definition in big integers, across blocks of shingles', () => {
  const words = Array.from(
    { length: 2100 },
    (_, i) => `w${String.fromCharCode(97 + (i % 26))}${'x'.repeat(i % 7)}y`,
  );
  const parameters = { bands: 1, rows: 3, seed: 7, shingle: 1 };
  const { a, b } = datatroveParameters(3, 7);
  // One shingle a text, so that each hash can be had by itself; the least of all is that of the whole.
  const single = words.map((word) => datatroveSignature(word, parameters) as BigUint64Array);
  const whole = datatroveSignature(words.join(' '), parameters) as BigUint64Array;
  for (let p = 0; p < 3; p++) {
    expect(whole[p]).toBe(single.map((minima) => minima[p]).reduce((x, y) => (x < y ? x : y)));
    expect(whole[p]).toBeLessThan((1n << 61n) - 1n);
  }
  expect([a.length, b.length]).toEqual([3, 3]);
});

test('fewer words than a shingle have no signature', () => {
  expect(datatroveSignature('one two three four')).toBeUndefined();
  expect(datatroveSignature('')).toBeUndefined();
});
