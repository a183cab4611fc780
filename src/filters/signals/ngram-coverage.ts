/** Every copy of a repeated n-gram, as dolma, DCLM and RedPajama count it. */
import type { RepeatedNgrams } from '../scan/repeated-ngrams.js';
import type { WordSequence } from '../scan/word-sequence.js';

/** Characters of the words that belong to an n-gram that occurs more than once; a word counts once. */
export function repeatedNgramCharacters(ngrams: RepeatedNgrams, words: WordSequence): number {
  let characters = 0;
  let covered = 0;
  for (let k = 0; k < ngrams.size; k++) {
    const start = Math.max(ngrams.positions[k], covered);
    const end = ngrams.positions[k] + ngrams.n;
    characters += words.between(start, end);
    covered = end;
  }
  return characters;
}
