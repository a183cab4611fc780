/** English texts that every installation has: the Markdown files of the installed packages, in order of their paths. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const MAX_FILE_BYTES = 500_000;

/** Files that packages have in common, licences above all, come once. Long texts are cut at `maxCharacters`. */
export async function documentationTexts(maxCharacters = 100_000): Promise<string[]> {
  const names = (await readdir(PACKAGES, { recursive: true })).filter((name) => name.endsWith('.md')).sort();
  const texts = new Set<string>();
  for (const name of names) {
    const path = join(PACKAGES, name);
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) continue;
    const text = (await readFile(path, 'utf8')).slice(0, maxCharacters);
    if (text.length > 100) texts.add(text);
  }
  return [...texts];
}
