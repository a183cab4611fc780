/** E-mail and IP addresses in a text. Each finder is linear: what it reads of the text around a sign is read once. */
import { isIPv6 } from 'node:net';
import { LETTER, NUMERIC, UNIT_CLASSES } from '../scan/character-classes.js';

/** A half-open range of UTF-16 code units. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const AT = 0x40;
const FULL_STOP = 0x2e;
const HYPHEN = 0x2d;
const COLON = 0x3a;
const BRACKET = 0x5b;

/** Characters of the local part between full stops (RFC 5322 atext). */
const LOCAL = asciiSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+/=?^_`{|}~-");
const ALPHANUMERIC = asciiSet('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789');
const IPV6 = asciiSet('0123456789abcdefABCDEF:.');
const DIGITS = asciiSet('0123456789');

const OCTET = '(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)';
const IPV4 = new RegExp(`(?:${OCTET}\\.){3}${OCTET}`, 'y');
const DOMAIN_LITERAL = new RegExp(`\\[(?:${OCTET}\\.){3}(?:${OCTET}|[A-Za-z0-9-]{0,63}[A-Za-z0-9]:)\\]`, 'y');

/** Longest text of an IPv6 address, an IPv4 address in it included. */
const MAX_IPV6 = 45;

function asciiSet(characters: string): Uint8Array {
  const set = new Uint8Array(0x1_0000);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}

/**
 * The address around the `@` at `at`, as datatrove's pattern finds it: dot-atom, `@`, a domain of two labels or more, or
 * an address in brackets. Nothing before `from` belongs to it.
 */
export function emailAt(
  text: string,
  units: Uint16Array,
  length: number,
  at: number,
  from: number,
): Range | undefined {
  let start = at;
  while (
    start > from &&
    (LOCAL[units[start - 1]] === 1 || (units[start - 1] === FULL_STOP && isAtom(units, start, from)))
  ) {
    start -= 1;
  }
  // It begins at a word boundary: between a character of a word and one that is none.
  while (start < at && !(LOCAL[units[start]] === 1 && isWord(units, start - 1) !== isWord(units, start)))
    start += 1;
  if (start === at) return undefined;
  const end = domainEnd(text, units, length, at + 1);
  return end === undefined ? undefined : { start, end };
}

/** Whether a full stop before `start` stands between two characters of a local part. */
function isAtom(units: Uint16Array, start: number, from: number): boolean {
  return LOCAL[units[start]] === 1 && start - 2 >= from && LOCAL[units[start - 2]] === 1;
}

function isWord(units: Uint16Array, i: number): boolean {
  return i >= 0 && ((UNIT_CLASSES[units[i]] & (LETTER | NUMERIC)) !== 0 || units[i] === 0x5f);
}

function domainEnd(text: string, units: Uint16Array, length: number, start: number): number | undefined {
  if (units[start] === BRACKET && start < length) {
    DOMAIN_LITERAL.lastIndex = start;
    return DOMAIN_LITERAL.test(text) ? DOMAIN_LITERAL.lastIndex : undefined;
  }
  let labels = 0;
  let end = start;
  let i = start;
  for (;;) {
    if (i >= length || ALPHANUMERIC[units[i]] === 0) break;
    let label = i;
    let last = i;
    while (label < length && (ALPHANUMERIC[units[label]] === 1 || units[label] === HYPHEN)) {
      if (units[label] !== HYPHEN) last = label;
      label += 1;
    }
    labels += 1;
    end = last + 1;
    if (end !== label || label >= length || units[label] !== FULL_STOP) break;
    i = label + 1;
  }
  return labels >= 2 ? end : undefined;
}

/** The IPv4 address at a run of digits `[start, end)` with a full stop behind it: datatrove's pattern. */
export function ipv4At(text: string, start: number, end: number): Range | undefined {
  for (let i = Math.max(start, end - 3); i < end; i++) {
    IPV4.lastIndex = i;
    if (IPV4.test(text)) return { start: i, end: IPV4.lastIndex };
  }
  return undefined;
}

/** Whether an IPv4 address can be routed (IANA special-purpose registry); false where an octet has a leading zero. */
export function isPublicIpv4(address: string): boolean {
  const octets = address.split('.');
  if (octets.some((octet) => octet.length > 1 && octet.startsWith('0'))) return false;
  const [a, b, c, d] = octets.map(Number);
  if (a === 0 || a === 10 || a === 127 || a >= 240) return false;
  if (a === 100 && b >= 64 && b < 128) return false;
  if (a === 169 && b === 254) return false;
  if (a === 172 && b >= 16 && b < 32) return false;
  if (a === 192 && b === 0) return !(c === 2 || (c === 0 && d !== 9 && d !== 10));
  if (a === 192 && b === 168) return false;
  if (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) return false;
  return !(a === 203 && b === 0 && c === 113);
}

/** Whether an IPv4 address is one by Python's `ipaddress`, which refuses leading zeros. */
export function isValidIpv4(address: string): boolean {
  return address.split('.').every((octet) => octet === '0' || !octet.startsWith('0'));
}

/** The IPv6 address around the colon at `at`, not before `from`. Also says where the run of its characters ends. */
export function ipv6At(
  text: string,
  units: Uint16Array,
  length: number,
  at: number,
  from: number,
): { readonly range: Range | undefined; readonly runEnd: number } {
  let start = at;
  while (start > from && IPV6[units[start - 1]] === 1) start -= 1;
  let runEnd = at;
  while (runEnd < length && IPV6[units[runEnd]] === 1) runEnd += 1;
  let end = runEnd;
  // A full stop at either end is the sentence's.
  while (end > start && units[end - 1] === FULL_STOP) end -= 1;
  while (start < end && units[start] === FULL_STOP) start += 1;
  if (end - start > MAX_IPV6 || isWord(units, start - 1) || isWord(units, end))
    return { range: undefined, runEnd };
  if (units[end - 1] === COLON && units[end - 2] !== COLON) end -= 1;
  const candidate = text.slice(start, end);
  const isLong = candidate.includes('::') ? candidate.length > 3 : true;
  return { range: isLong && isIPv6(candidate) ? { start, end } : undefined, runEnd };
}

/** Whether an IPv6 address is global unicast (2000::/3), documentation and the special blocks of 2001::/23 aside. */
export function isPublicIpv6(address: string): boolean {
  const [first, second = '0'] = address.split(':');
  if (!/^[23][0-9a-f]{3}$/i.test(first)) return false;
  if (first !== '2001') return true;
  const block = Number.parseInt(second === '' ? '0' : second, 16);
  return block >= 0x200 && block !== 0xdb8;
}

export { AT, COLON, DIGITS };
