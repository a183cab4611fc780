import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { filtersDocument } from '../../scripts/filters-doc.js';
import { packageFile } from '../../src/core/paths.js';

test('docs/filters.md is what the code says (npx tsx scripts/filters-doc.ts writes it)', async () => {
  expect(readFileSync(packageFile('docs/filters.md'), 'utf8')).toBe(await filtersDocument());
});
