/**
 * Before any test: compiles `src` to `dist`, so that workers and child processes run the current code, and gives the
 * run a temporary folder of its own, which is removed at the end.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setup(): () => void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  const folder = mkdtempSync(join(tmpdir(), 'tokenmill-tests-'));
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
