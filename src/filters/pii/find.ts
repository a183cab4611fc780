/**
 * Personal data in a text: e-mail addresses, phone numbers, IP addresses, payment cards, bank accounts (IBAN) and keys
 * of services. One pass looks for the signs that such a thing has, in the pieces that have any; what follows a sign is
 * read once, so a text of nothing but signs stays linear.
 */
import { HAS_SIGN } from '../scan/piece-facts.js';
import { FLAGS } from '../scan/piece-layout.js';
import { scanText } from '../scan/scan.js';
import {
  AT,
  COLON,
  DIGITS,
  emailAt,
  ipv4At,
  ipv6At,
  isPublicIpv4,
  isPublicIpv6,
  isValidIpv4,
} from './addresses.js';
import { findKeys } from './keys.js';
import { hasDigits, ibanAt, isCard, isPhone, MIN_DIGITS, numberRun, type PhoneRule } from './numbers.js';

export const PII_KINDS = ['email', 'phone', 'ipv4', 'ipv6', 'card', 'iban', 'api_key'] as const;
export type PiiKind = (typeof PII_KINDS)[number];

export interface PiiFinding {
  readonly kind: PiiKind;
  /** UTF-16 code units. */
  readonly start: number;
  readonly end: number;
}

export interface PiiRules {
  readonly kinds: readonly PiiKind[];
  /** Whether only addresses that can be routed count. */
  readonly publicAddressesOnly: boolean;
  readonly phone: PhoneRule;
}

/** All kinds; phone numbers with `+` that the numbering plans have; public addresses. */
export const DEFAULT_PII_RULES: PiiRules = {
  kinds: PII_KINDS,
  publicAddressesOnly: true,
  phone: { country: undefined, check: 'valid' },
};

const FULL_STOP = 0x2e;
const PLUS = 0x2b;
const OPEN = 0x28;

/** What a unit may be the sign of: 1 the sign of an e-mail address, 2 a digit, 3 a colon. */
const signs = new Uint8Array(0x1_0000);
signs[AT] = 1;
for (let digit = 0x30; digit <= 0x39; digit++) signs[digit] = 2;
signs[COLON] = 3;

/** Everything found, in order, without overlaps: of two that overlap the one that begins first, then the longer one. */
export function findPii(text: string, rules: PiiRules = DEFAULT_PII_RULES): PiiFinding[] {
  const scan = scanText(text);
  const { units, length, pieces } = scan;
  const wants = (kind: PiiKind): boolean => rules.kinds.includes(kind);
  const found: PiiFinding[] = wants('api_key') ? findKeys(scan) : [];
  const add = (kind: PiiKind, range: { start: number; end: number } | undefined): boolean => {
    if (range !== undefined && wants(kind)) found.push({ kind, start: range.start, end: range.end });
    return range !== undefined;
  };
  let emailEnd = 0;
  let ipv6End = 0;
  let i = 0;
  for (let piece = 0; piece < pieces.count; piece++) {
    if ((pieces.distinct[pieces.entry[piece] + FLAGS] & HAS_SIGN) === 0) continue;
    i = Math.max(i, pieces.start[piece]);
    for (const end = pieces.end[piece]; i < end; i++) {
      const sign = signs[units[i]];
      if (sign === 0) continue;
      if (sign === 1) {
        const email = emailAt(text, units, length, i, emailEnd);
        emailEnd = email?.end ?? i + 1;
        add('email', email);
      } else if (sign === 3) {
        if (i < ipv6End) continue;
        const { range, runEnd } = ipv6At(text, units, length, i, ipv6End);
        ipv6End = runEnd;
        if (
          range !== undefined &&
          (!rules.publicAddressesOnly || isPublicIpv6(text.slice(range.start, range.end)))
        ) {
          add('ipv6', range);
        }
      } else {
        i = takeDigits(i) - 1;
      }
    }
  }
  return withoutOverlaps(found);

  /** Looks at the run of digits that begins at `first`; returns where to go on. */
  function takeDigits(first: number): number {
    let end = first + 1;
    while (end < length && DIGITS[units[end]] === 1) end += 1;
    if (end - first >= 2 && isCapital(first - 1) && isCapital(first - 2)) {
      const iban = ibanAt(text, units, length, first);
      if (iban !== undefined) {
        add('iban', iban);
        return iban.end;
      }
    }
    if (units[end] === FULL_STOP && end < length) {
      const ip = ipv4At(text, first, end);
      if (ip !== undefined) {
        const address = text.slice(ip.start, ip.end);
        if (rules.publicAddressesOnly ? isPublicIpv4(address) : isValidIpv4(address)) add('ipv4', ip);
        return Math.max(ip.end, end);
      }
    }
    const mayBeNumber =
      end - first >= MIN_DIGITS ||
      (first > 0 && (units[first - 1] === PLUS || units[first - 1] === OPEN)) ||
      (end + 1 < length && end - first >= 3 && isSeparator(units[end]));
    if (!mayBeNumber || isLetterBefore(first) || !hasDigits(units, length, first, MIN_DIGITS)) return end;
    const run = numberRun(units, length, first);
    if (!run.isCut && isCard(run.digits)) add('card', { start: first, end: run.end });
    else if (wants('phone') && isPhone(text, run, rules.phone)) add('phone', run);
    else return end;
    return run.end;
  }

  function isCapital(i: number): boolean {
    return i >= 0 && units[i] >= 0x41 && units[i] <= 0x5a;
  }

  function isLetterBefore(i: number): boolean {
    const unit = i > 0 ? units[i - 1] | 0x20 : 0;
    return unit >= 0x61 && unit <= 0x7a;
  }
}

function isSeparator(unit: number): boolean {
  return unit === 0x20 || unit === 0xa0 || unit === 0x2d || unit === 0x2e || unit === 0x29 || unit === 0x2f;
}

function withoutOverlaps(found: PiiFinding[]): PiiFinding[] {
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  const kept: PiiFinding[] = [];
  let end = 0;
  for (const finding of found) {
    if (finding.start < end) continue;
    kept.push(finding);
    end = finding.end;
  }
  return kept;
}
