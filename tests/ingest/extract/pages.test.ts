/** The pages in fixtures/pages, byte for byte. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { normalizeText } from '../../../src/ingest/formats/normalize.js';
import { extractPage } from '../../../src/ingest/formats/page.js';
import { DEFAULT_READING, TEXT_FORMS } from '../../../src/ingest/reading.js';

const file = (name: string): Buffer =>
  readFileSync(new URL(`../../../fixtures/pages/${name}`, import.meta.url));
const METADATA = JSON.parse(file('metadata.json').toString()) as Record<
  string,
  Record<string, string | null>
>;
const ENDINGS = { text: 'txt', markdown: 'md' } as const;

describe.each(Object.keys(METADATA))('%s', (name) => {
  const read = (extract: (typeof TEXT_FORMS)[number]): ReturnType<typeof extractPage> =>
    extractPage(file(`${name}.html`), {
      url: `https://merrow.example/pages/${name}.html`,
      reading: { ...DEFAULT_READING, extract },
    });

  it.each(TEXT_FORMS)('as %s', (form) => {
    const text = normalizeText(read(form).text, DEFAULT_READING.normalize);
    expect(`${text}\n`).toBe(file(`${name}.${ENDINGS[form]}`).toString());
  });

  it('metadata', () => {
    const { title, language, charset, page } = read('text');
    expect({ title, language, charset, ...page }).toEqual(METADATA[name]);
  });
});
