/** Counts of personal data, and of obscene words. */
import { findPii, PII_KINDS } from '../pii/find.js';
import { HAS_KEY, HAS_PEM, HAS_SIGN } from '../scan/piece-facts.js';
import type { Scan } from '../scan/scan.js';
import { DATATROVE, signal, type SignalContext, type SignalFamily, type SignalValues } from './signal.js';
import { totalsOf } from './totals.js';
import { countBadWords, MAY_BE_BAD } from './word-lists.js';

const DOCS: Readonly<Record<(typeof PII_KINDS)[number], string>> = {
  email: 'e-mail addresses',
  phone: 'phone numbers with `+` and country code that are valid in their numbering plan (libphonenumber)',
  ipv4: 'public IPv4 addresses',
  ipv6: 'public IPv6 addresses',
  card: 'payment card numbers: of the length of a large scheme, with the check digit of Luhn',
  iban: 'bank accounts: IBAN of the length of their country, mod 97 = 1',
  api_key: 'keys of services by their published prefixes, and private keys in PEM',
};

export const personalDataSignals: SignalFamily = {
  signals: [
    ...PII_KINDS.map((kind) =>
      signal(
        `pii_${kind}_count`,
        'BIGINT',
        'occurrences',
        DOCS[kind],
        kind === 'email' || kind === 'ipv4' ? 'datatrove 0.10, formatters/pii.py' : 'Tokenmill',
      ),
    ),
    signal(
      'bad_word_count',
      'BIGINT',
      'words',
      "obscene words of the document's language (LDNOOBW by the package naughty-words), in any case, between characters that are no letters, numbers or underscores; in Chinese, Japanese and Thai anywhere; 0 where the language has no list",
      DATATROVE.c4,
    ),
  ],
  measure(scan: Scan, values: SignalValues, { language }: SignalContext): void {
    const { flags, languageFlags } = totalsOf(scan, language);
    counts.fill(0);
    if ((flags & (HAS_SIGN | HAS_KEY | HAS_PEM)) !== 0) {
      for (const { kind } of findPii(scan.text)) counts[PII_KINDS.indexOf(kind)] += 1;
    }
    for (const count of counts) values.push(count);
    values.push((languageFlags & MAY_BE_BAD) === 0 ? 0 : countBadWords(scan, language));
  },
};

const counts = new Uint32Array(PII_KINDS.length);
