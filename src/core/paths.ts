/** Where the package's own files are. Valid from `src` and from `dist`, which have the same depth. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Folder that holds package.json, `sql/` and `fixtures/`. Ends with a slash. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the package by its path from the package's root. */
export function packageFile(path: string): string {
  return PACKAGE_ROOT + path;
}

/** A SQL file of the package, for example `dedup/near.sql`. */
export function readSql(name: string): string {
  return readFileSync(packageFile(`sql/${name}`), 'utf8');
}

/** Version of the package. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
}

/**
 * Path of a file that the build makes (a worker, a WebAssembly module) beside the module at `moduleUrl`. It lies in `dist`, also
 * where `src` is run, as under vitest: a thread there would have no TypeScript loader.
 */
export function compiledFile(moduleUrl: string, name: string): string {
  const path = fileURLToPath(new URL(name, moduleUrl));
  return moduleUrl.endsWith('.ts') ? path.replace(/([/\\])src([/\\])(?!.*[/\\]src[/\\])/, '$1dist$2') : path;
}
