/** Phone numbers, payment cards and bank accounts among the digits of a text. */
import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js';
import { LETTER, NUMERIC, UNIT_CLASSES } from '../scan/character-classes.js';
import type { Range } from './addresses.js';

/** Digits of the shortest number that is looked for. */
export const MIN_DIGITS = 7;
/** Digits and separators of one number; longer runs are no number that is looked for. */
const MAX_NUMBER_UNITS = 34;
const MAX_DIGITS = 19;

const PLUS = 0x2b;
const OPEN = 0x28;
const CLOSE = 0x29;

export interface NumberRun extends Range {
  readonly digits: string;
  /** The digits as the separators group them, by number: `3-3-4`. */
  readonly groups: string;
  /** Whether the run ends because it is too long. */
  readonly isCut: boolean;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/**
 * The run of digits with single separators (space, hyphen, full stop, slash, parentheses around a group) whose first
 * digit is at `first`, with a `+` or `(` before it.
 */
export function numberRun(units: Uint16Array, length: number, first: number): NumberRun {
  let start = first;
  if (start > 0 && units[start - 1] === OPEN) start -= 1;
  if (start > 0 && units[start - 1] === PLUS) start -= 1;
  let digits = '';
  const groups: number[] = [0];
  let i = first;
  let end = first;
  while (i < length) {
    const unit = units[i];
    if (isDigit(unit)) {
      if (digits.length === MAX_DIGITS || i - first > MAX_NUMBER_UNITS)
        return { start, end, digits, groups: groups.join('-'), isCut: true };
      digits += String.fromCharCode(unit);
      groups[groups.length - 1] += 1;
      i += 1;
      end = i;
      continue;
    }
    const next = separatorEnd(units, length, i);
    if (next === i) break;
    groups.push(0);
    i = next;
  }
  if (groups.at(-1) === 0) groups.pop();
  return { start, end, digits, groups: groups.join('-'), isCut: false };
}

/** Whether the run of digits whose first one is at `first` has at least so many of them. Makes no strings. */
export function hasDigits(units: Uint16Array, length: number, first: number, wanted: number): boolean {
  let digits = 0;
  for (let i = first; i < length && digits < wanted;) {
    if (isDigit(units[i])) {
      digits += 1;
      i += 1;
      continue;
    }
    const next = separatorEnd(units, length, i);
    if (next === i) break;
    i = next;
  }
  return digits >= wanted;
}

/** End of a separator at `i` that has a digit behind it; `i` where there is none. */
function separatorEnd(units: Uint16Array, length: number, i: number): number {
  let end = i;
  if (units[end] === CLOSE) end += 1;
  // space, no-break space, hyphen, full stop, slash
  const unit = units[end];
  if (end < length && (unit === 0x20 || unit === 0xa0 || unit === 0x2d || unit === 0x2e || unit === 0x2f))
    end += 1;
  if (end < length && units[end] === OPEN) end += 1;
  return end > i && end < length && isDigit(units[end]) ? end : i;
}

/** Whether digits end with the check digit of Luhn (ISO/IEC 7812-1, annex B). */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    if (i % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 === 0;
}

/** Lengths of card numbers by their first digits: Visa, Mastercard, American Express, Discover, JCB, Diners, UnionPay. */
const CARDS =
  /^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17})$/;

/** Whether digits are a number of one of the large card schemes with its check digit. */
export function isCard(digits: string): boolean {
  return CARDS.test(digits) && passesLuhn(digits) && !/^(\d)\1*$/.test(digits);
}

export interface PhoneRule {
  /** Country whose national numbers count too; without one, only numbers with `+` do. */
  readonly country: CountryCode | undefined;
  /** `valid`: the numbering plan has it. `possible`: its length fits. */
  readonly check: 'valid' | 'possible';
}

/** Groups that a number without `+` may be written in, so that years, prices and identifiers are none. */
const NATIONAL_GROUPS = new Set(['10', '3-3-4', '3-7', '1-3-3-4', '11']);

/** Whether a run of digits is a phone number, by libphonenumber. */
export function isPhone(text: string, run: NumberRun, rule: PhoneRule): boolean {
  if (run.isCut || run.digits.length < MIN_DIGITS || run.digits.length > 15) return false;
  const isInternational = text.charCodeAt(run.start) === PLUS;
  if (!isInternational && (rule.country === undefined || !NATIONAL_GROUPS.has(run.groups))) return false;
  const number = parsePhoneNumberFromString(text.slice(run.start, run.end), rule.country);
  if (number === undefined) return false;
  return rule.check === 'valid' ? number.isValid() : number.isPossible();
}

/** Length of an IBAN by country (SWIFT IBAN registry, release 99). */
const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ' +
    'ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 ' +
    'LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 ' +
    'PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** The IBAN whose two check digits begin at `digits`, with single spaces between its groups (ISO 13616, mod 97). */
export function ibanAt(text: string, units: Uint16Array, length: number, digits: number): Range | undefined {
  const start = digits - 2;
  if (start < 0 || (start > 0 && (UNIT_CLASSES[units[start - 1]] & (LETTER | NUMERIC)) !== 0))
    return undefined;
  const wanted = IBAN_LENGTHS[text.slice(start, digits)] as number | undefined;
  if (wanted === undefined) return undefined;
  let iban = '';
  let i = start;
  while (iban.length < wanted && i < length) {
    const unit = units[i];
    const isPart = isDigit(unit) || (unit >= 0x41 && unit <= 0x5a);
    if (isPart) iban += String.fromCharCode(unit);
    else if (unit !== 0x20 || units[i - 1] === 0x20) return undefined;
    i += 1;
  }
  if (iban.length < wanted || (i < length && (UNIT_CLASSES[units[i]] & (LETTER | NUMERIC)) !== 0))
    return undefined;
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1 ? { start, end: i } : undefined;
}
