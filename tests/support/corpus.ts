/**
 * Generated texts for tests of the pipeline: English-like prose that the policy `gopher` keeps, short texts that it
 * drops, exact and near duplicates, in known places. Deterministic in the seed.
 */
import { Random } from '../../src/core/random.js';

const STEMS =
  'river stone lamp market garden winter letter bridge engine harbor forest window teacher island summer bread paper kitchen mountain village'.split(
    ' ',
  );
const ENDINGS = ['', 's', 'ed', 'ing', 'er', 'ly'];
const FUNCTION_WORDS = 'the be to of and that have with a in it is was for on as at by'.split(' ');

export interface GeneratedDocument {
  readonly id: string;
  readonly text: string;
  readonly kind: 'fresh' | 'short' | 'exact' | 'near';
}

/** A text of `words` words in lines of sentences. */
export function prose(random: Random, words: number): string {
  const parts: string[] = [];
  for (let i = 0; i < words; i++) {
    const word =
      random.next() < 0.4
        ? random.pick(FUNCTION_WORDS)
        : random.pick(STEMS) +
          random.pick(ENDINGS) +
          (random.next() < 0.3 ? String.fromCharCode(97 + random.below(26)) : '');
    parts.push(i % 12 === 11 ? `${word}.\n` : `${word} `);
  }
  return parts.join('').trim();
}

/** About one document in ten each is short, an exact and a near duplicate of an earlier one. */
export function generateDocuments(seed: number, count: number): GeneratedDocument[] {
  const random = new Random(seed);
  const documents: GeneratedDocument[] = [];
  for (let index = 0; index < count; index++) {
    const id = `doc-${index}`;
    const draw = random.next();
    const fresh = documents.filter(({ kind }) => kind === 'fresh');
    if (draw < 0.1) {
      documents.push({ id, kind: 'short', text: prose(random, 10) });
    } else if (draw < 0.2 && fresh.length > 0) {
      documents.push({ id, kind: 'exact', text: random.pick(fresh).text });
    } else if (draw < 0.3 && fresh.length > 0) {
      documents.push({ id, kind: 'near', text: `${random.pick(fresh).text} Also ${id}.` });
    } else {
      documents.push({ id, kind: 'fresh', text: prose(random, 150 + random.below(300)) });
    }
  }
  return documents;
}

/** The documents as JSON lines. */
export function toJsonl(documents: readonly GeneratedDocument[]): string {
  return documents
    .map(({ id, text }) => `${JSON.stringify({ id, url: `https://example.com/${id}`, text })}\n`)
    .join('');
}
