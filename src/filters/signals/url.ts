/** Signals of a document's address, by the lists that a dataset was given. */
import type { Scan } from '../scan/scan.js';
import { signal, type SignalContext, type SignalFamily, type SignalValues } from './signal.js';

const SOURCE = 'RefinedWeb (arXiv 2306.01116, appendix G.1) as in datatrove 0.10, url_filter.py';

export const urlSignals: SignalFamily = {
  signals: [
    signal(
      'url_blocked_category',
      'VARCHAR',
      'category',
      'category of the blocklist that has the host of the address, a domain above it, or the address; empty where none has',
      SOURCE,
    ),
    signal(
      'url_hard_word_count',
      'BIGINT',
      'words',
      'different words of the address (runs of ASCII letters and digits, any case) that are in the list of hard words',
      SOURCE,
    ),
    signal(
      'url_soft_word_count',
      'BIGINT',
      'words',
      'different words of the address that are in the list of soft words',
      SOURCE,
    ),
    signal(
      'url_substring_count',
      'BIGINT',
      'substrings',
      'substrings of the list that the letters and digits of the address contain',
      SOURCE,
    ),
  ],
  measure(_scan: Scan, values: SignalValues, { url, lists }: SignalContext): void {
    const match = lists?.match(url);
    values.push(match?.category ?? '', match?.hardWords ?? 0, match?.softWords ?? 0, match?.substrings ?? 0);
  },
};
