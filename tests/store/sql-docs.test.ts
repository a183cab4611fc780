import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { packageFile } from '../../src/core/paths.js';
import { reportsList, viewsList } from './views-docs.js';

async function section(name: string): Promise<string> {
  const text = await readFile(packageFile('docs/sql.md'), 'utf8');
  return new RegExp(`<!-- ${name} -->\\n\\n([\\s\\S]*?)\\n\\n<!-- end -->`).exec(text)?.[1] ?? '';
}

it('docs/sql.md lists every view with its columns', async () => {
  expect(await section('views')).toBe(viewsList());
});

it('docs/sql.md lists every report with its parameters', async () => {
  expect(await section('reports')).toBe(await reportsList());
});
