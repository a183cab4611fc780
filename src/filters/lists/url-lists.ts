/**
 * Blocklists of hosts and addresses, and lists of words for addresses, in a form that threads share.
 *
 * A host is blocked by an entry for itself or for any domain above it; an address by an entry that is equal to it
 * without scheme, `www.` and a slash at the end. Entries are 56 bits of a hash beside the number of their category, in
 * one sorted array: 5 million take 40 MB, once for all threads. A false match has a chance of about 1 in 10^10 each.
 */

/** What a list's category may be called, and how many there may be: the number is 8 bits of an entry. */
export const MAX_CATEGORIES = 255;

/** Plain values and shared memory: it goes to a worker as it is. */
export interface UrlListsData {
  readonly categories: readonly string[];
  readonly hosts: BigUint64Array;
  readonly addresses: BigUint64Array;
  readonly hardWords: readonly string[];
  readonly softWords: readonly string[];
  readonly substrings: readonly string[];
}

export interface UrlMatch {
  /** Category of the list that blocks the address; empty where none does. */
  readonly category: string;
  readonly hardWords: number;
  readonly softWords: number;
  readonly substrings: number;
}

const NO_MATCH: UrlMatch = { category: '', hardWords: 0, softWords: 0, substrings: 0 };

export class UrlLists {
  private readonly data: UrlListsData;
  private readonly hardWords: ReadonlySet<string>;
  private readonly softWords: ReadonlySet<string>;

  constructor(data: UrlListsData) {
    this.data = data;
    this.hardWords = new Set(data.hardWords);
    this.softWords = new Set(data.softWords);
  }

  match(url: string | null): UrlMatch {
    if (url === null) return NO_MATCH;
    const lower = url.toLowerCase();
    const words = new Set(lower.split(/[^a-z0-9]+/));
    const joined = lower.replaceAll(/[^a-z0-9]+/g, '');
    return {
      category: this.categoryOf(normalAddress(lower)),
      hardWords: countIn(words, this.hardWords),
      softWords: countIn(words, this.softWords),
      substrings: this.data.substrings.filter((substring) => joined.includes(substring)).length,
    };
  }

  private categoryOf(address: string): string {
    let host = address.replace(/[/?#].*$/s, '').replace(/:\d+$/, '');
    for (;;) {
      const category = find(this.data.hosts, host);
      if (category >= 0) return this.data.categories[category];
      const dot = host.indexOf('.');
      if (dot < 0) break;
      host = host.slice(dot + 1);
    }
    const category = find(this.data.addresses, address);
    return category < 0 ? '' : this.data.categories[category];
  }
}

/** An address in lower case without scheme, user, `www.` and slashes at its end. */
export function normalAddress(url: string): string {
  return url
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/^[^/?#]*@/, '')
    .replace(/^www\./, '')
    .replace(/\/+$/, '');
}

function countIn(words: ReadonlySet<string>, list: ReadonlySet<string>): number {
  let found = 0;
  for (const word of words) if (list.has(word)) found += 1;
  return found;
}

/** Entry of a text for the category of a number: its hash above 8 bits of the number. */
export function entryOf(text: string, category: number): bigint {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995);
    high ^= high >>> 15;
  }
  return (BigInt(high & 0xff_ffff) << 40n) | (BigInt(low >>> 0) << 8n) | BigInt(category);
}

/** Number of the category of the first entry with this hash; -1 where there is none. */
function find(entries: BigUint64Array, text: string): number {
  const wanted = entryOf(text, 0);
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  if (low === entries.length || entries[low] >> 8n !== wanted >> 8n) return -1;
  return Number(entries[low] & 0xffn);
}
