import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPublicIpv4, isPublicIpv6 } from '../../../src/filters/pii/addresses.js';
import { DEFAULT_PII_RULES, findPii, PII_KINDS, type PiiKind } from '../../../src/filters/pii/find.js';
import { maskPii, maskProfile } from '../../../src/filters/pii/mask.js';
import { passesLuhn } from '../../../src/filters/pii/numbers.js';

function found(text: string, kind: PiiKind, publicAddressesOnly = true): string[] {
  return findPii(text, { ...DEFAULT_PII_RULES, kinds: [kind], publicAddressesOnly }).map(({ start, end }) =>
    text.slice(start, end),
  );
}

// The pattern that datatrove's PIIFormatter looks for.
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const DATATROVE_EMAIL = new RegExp(`\\b${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}`, 'g');
const OCTET = '(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)';
const DATATROVE_IP = new RegExp(`(?:${OCTET}\\.){3}${OCTET}`, 'g');

describe('e-mail addresses', () => {
  test.each([
    ['write to pl@fakedomain.ai and spl@fakedomain.ai.', ['pl@fakedomain.ai', 'spl@fakedomain.ai']],
    ['first.last+tag@mail.example.co.uk, please', ['first.last+tag@mail.example.co.uk']],
    ['a..b@example.com', ['b@example.com']],
    ['user@[203.0.113.9]', ['user@[203.0.113.9]']],
    ['user@localhost, @name, a@b-, x@y.', []],
    ['(me@x-1.org)', ['me@x-1.org']],
  ])('%s', (text, emails) => expect(found(text, 'email')).toEqual(emails));

  test("all that datatrove's pattern finds", () => {
    const unit = fc.constantFrom(...'ab1.@-+ (é_');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
        // The pattern's \b knows ASCII letters only where ours knows all, as Python's does.
        if (text.includes('é')) return;
        expect(found(text, 'email')).toEqual(text.match(DATATROVE_EMAIL) ?? []);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('IP addresses', () => {
  test.each([
    ['8.8.8.8 and 1.1.1.1.', ['8.8.8.8', '1.1.1.1']],
    [
      '10.0.0.1 172.16.5.4 192.168.1.1 127.0.0.1 169.254.0.9 100.64.3.3 192.0.2.146 203.0.113.7 198.18.0.1 240.0.0.1',
      [],
    ],
    ['version 1.2.3 and 01.2.3.4', []],
  ])('public IPv4 in %s', (text, addresses) => expect(found(text, 'ipv4')).toEqual(addresses));

  test("any IPv4 that datatrove's pattern finds", () => {
    const unit = fc.constantFrom(...'0129.. a');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 30 }), (text) => {
        const expected = (text.match(DATATROVE_IP) ?? []).filter((address) =>
          address.split('.').every((octet) => octet === '0' || !octet.startsWith('0')),
        );
        expect(found(text, 'ipv4', false)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['at 2001:4860:4860::8888, or', ['2001:4860:4860::8888']],
    ['[2606:4700::1111]:53', ['2606:4700::1111']],
    ['fe80::1 ::1 fd00::5 2001:db8::1 12:30:45 std::vector a::b', []],
  ])('public IPv6 in %s', (text, addresses) => expect(found(text, 'ipv6')).toEqual(addresses));

  test('what can be routed', () => {
    expect(['192.0.0.9', '223.255.255.255', '11.0.0.1'].map(isPublicIpv4)).toEqual([true, true, true]);
    expect(['::', 'ff02::1', '2a00:1450::1'].map(isPublicIpv6)).toEqual([false, false, true]);
  });
});

describe('numbers', () => {
  test.each([
    ['call +41 44 668 18 00 or +1 (650) 253-0000', ['+41 44 668 18 00', '+1 (650) 253-0000']],
    ['2024-01-05, 1,000,000, 10:30, +1 200, 020 7031 3000, +999 123 4567', []],
  ])('phones in %s', (text, phones) => expect(found(text, 'phone')).toEqual(phones));

  test.each([
    // test numbers that the schemes publish
    [
      '4111 1111 1111 1111; 5555-5555-5555-4444; 378282246310005',
      ['4111 1111 1111 1111', '5555-5555-5555-4444', '378282246310005'],
    ],
    ['4111 1111 1111 1112 and 1234 5678 9012 3452 and 41111111111111111111', []],
  ])('cards in %s', (text, cards) => expect(found(text, 'card')).toEqual(cards));

  test('Luhn', () => {
    expect(['79927398713', '0', '18'].map(passesLuhn)).toEqual([true, true, true]);
    expect(['79927398710', '1', '19'].map(passesLuhn)).toEqual([false, false, false]);
  });

  test.each([
    // examples of the IBAN registry
    ['to GB29 NWBK 6016 1331 9268 19.', ['GB29 NWBK 6016 1331 9268 19']],
    ['DE89370400440532013000, NO9386011117947', ['DE89370400440532013000', 'NO9386011117947']],
    ['GB28 NWBK 6016 1331 9268 19 DE8937040044053201300 XX89370400440532013000', []],
  ])('accounts in %s', (text, accounts) => expect(found(text, 'iban')).toEqual(accounts));
});

test('keys of services', () => {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const keys = [
    `AKIA${'Z'.repeat(16)}`,
    `ghp_${letters}`,
    `AIza${letters.slice(1)}`,
    `hf_${letters.slice(2)}`,
  ];
  expect(found(keys.join(' '), 'api_key')).toEqual(keys);
  expect(found(`key="${keys[1]}"`, 'api_key')).toEqual([keys[1]]);
  const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----';
  expect(found(`a ${pem} b`, 'api_key')).toEqual([pem]);
  expect(found(`AKIA${'z'.repeat(16)} ghp_short ${keys[0]}Z -----BEGIN PUBLIC KEY-----`, 'api_key')).toEqual(
    [],
  );
});

describe('masks', () => {
  const sentence = (what: string): string => `Feel free to contact me at ${what} if you have any questions.`;

  // The cases that the assignment publishes.
  test.each([
    ['email', 'test@gmail.com', 'EMAIL_ADDRESS'],
    ['phone', '2831823829', 'PHONE_NUMBER'],
    ['phone', '(283)-182-3829', 'PHONE_NUMBER'],
    ['phone', '(283) 182 3829', 'PHONE_NUMBER'],
    ['phone', '283-182-3829', 'PHONE_NUMBER'],
    ['ipv4', '192.0.2.146', 'IP_ADDRESS'],
  ] as const)('cs336: %s %s', (kind, what, mask) => {
    const masked = maskPii(sentence(what), maskProfile('cs336'));
    expect(masked.text).toBe(sentence(`|||${mask}|||`));
    expect(masked.counts).toEqual({ ...Object.fromEntries(PII_KINDS.map((each) => [each, 0])), [kind]: 1 });
  });

  test('cs336 leaves masks alone', () => {
    const text = 'The string "|||EMAIL_ADDRESS|||" stands for a@b.com';
    expect(maskPii(text, maskProfile('cs336')).text).toBe(
      'The string "|||EMAIL_ADDRESS|||" stands for |||EMAIL_ADDRESS|||',
    );
  });

  test('datatrove: replacements in turn, public addresses only', () => {
    const text = 'a@b.com c@d.org e@f.net 8.8.8.8 10.0.0.1 9.9.9.9 +41 44 668 18 00';
    expect(maskPii(text, maskProfile('datatrove')).text).toBe(
      'email@example.com firstname.lastname@example.org email@example.com 22.214.171.124 10.0.0.1 126.96.36.199 +41 44 668 18 00',
    );
  });

  test('other texts, and another kind', () => {
    const profile = maskProfile('datatrove', { email: '<mail>', iban: '<account>' });
    expect(maskPii('a@b.com DE89370400440532013000', profile).text).toBe('<mail> <account>');
  });

  test('unknown names are errors', () => {
    expect(() => maskProfile('none')).toThrow(/no profile none/);
    expect(() => maskProfile('cs336', { fax: '' })).toThrow(/no kind fax/);
  });

  test('masking twice is masking once', () => {
    const unit = fc.constantFrom(...'a1@.:- +(');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
        const once = maskPii(text, maskProfile('default')).text;
        expect(maskPii(once, maskProfile('default')).text).toBe(once);
      }),
    );
  });
});

test.each([
  ['at signs', '@'],
  ['atoms', 'a.'],
  ['digits', '1'],
  ['grouped digits', '1 '],
  ['colons', ':'],
  ['a:', 'a:'],
  ['a plus and a digit', '+1'],
  ['parentheses', '(1)'],
  ['capitals and digits', 'GB29'],
  ['addresses', 'a@b.'],
  ['octets', '1.'],
])('a long text of %s is read to its end', (_, unit) => {
  const text = `${unit.repeat(Math.floor(300_000 / unit.length))} x@y.zz`;
  expect(findPii(text).at(-1)).toMatchObject({ kind: 'email', end: text.length });
});
