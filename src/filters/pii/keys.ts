/** Keys of services by their published prefixes, and private keys in PEM. */
import { HAS_KEY } from '../scan/piece-facts.js';
import { FLAGS } from '../scan/piece-layout.js';
import type { Scan } from '../scan/scan.js';
import type { PiiFinding } from './find.js';

/** What the key begins with, and its whole form. Lengths are bounded, so that the search is linear. */
const KEYS: readonly (readonly [prefix: string, form: RegExp])[] = [
  ['AKIA', /AKIA[0-9A-Z]{16}(?![0-9A-Z])/y],
  ['ASIA', /ASIA[0-9A-Z]{16}(?![0-9A-Z])/y],
  ['AIza', /AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])/y],
  ['ghp_', /ghp_[0-9A-Za-z]{36}(?![0-9A-Za-z])/y],
  ['gho_', /gho_[0-9A-Za-z]{36}(?![0-9A-Za-z])/y],
  ['ghs_', /ghs_[0-9A-Za-z]{36}(?![0-9A-Za-z])/y],
  ['github_pat_', /github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}(?![0-9A-Za-z])/y],
  ['glpat-', /glpat-[0-9A-Za-z_-]{20}(?![0-9A-Za-z_-])/y],
  ['hf_', /hf_[0-9A-Za-z]{34}(?![0-9A-Za-z])/y],
  ['npm_', /npm_[0-9A-Za-z]{36}(?![0-9A-Za-z])/y],
  ['sk-', /sk-(?:ant-|proj-)?[0-9A-Za-z_-]{32,200}/y],
  ['sk_live_', /sk_live_[0-9A-Za-z]{24,99}/y],
  ['xox', /xox[abprs]-[0-9A-Za-z-]{20,100}/y],
];

const PRIVATE_KEY =
  /-----BEGIN (?:[A-Z]{1,20} )?PRIVATE KEY-----[0-9A-Za-z+/=\s]{0,8000}-----END (?:[A-Z]{1,20} )?PRIVATE KEY-----/y;

const PEM = '-----BEGIN ';

/** Keys in a text. A key has no white space in it, except one in PEM. */
export function findKeys({ text, pieces }: Scan): PiiFinding[] {
  const found: PiiFinding[] = [];
  for (let piece = 0; piece < pieces.count; piece++) {
    if ((pieces.distinct[pieces.entry[piece] + FLAGS] & HAS_KEY) === 0) continue;
    const start = pieces.start[piece];
    const word = text.slice(start, pieces.end[piece]);
    for (const [prefix, form] of KEYS) {
      for (let at = word.indexOf(prefix); at >= 0; at = word.indexOf(prefix, at + prefix.length)) {
        if (at > 0 && /[0-9A-Za-z_-]/.test(word[at - 1])) continue;
        form.lastIndex = at;
        if (!form.test(word)) continue;
        found.push({ kind: 'api_key', start: start + at, end: start + form.lastIndex });
        at = form.lastIndex - prefix.length;
      }
    }
  }
  for (let at = text.indexOf(PEM); at >= 0; at = text.indexOf(PEM, at + PEM.length)) {
    PRIVATE_KEY.lastIndex = at;
    if (!PRIVATE_KEY.test(text)) continue;
    found.push({ kind: 'api_key', start: at, end: PRIVATE_KEY.lastIndex });
    at = PRIVATE_KEY.lastIndex - PEM.length;
  }
  return found;
}
