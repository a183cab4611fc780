/** Compiles `src` to `dist` once before any test, so that workers and child processes run the current code. */
import { execFileSync } from 'node:child_process';

export default function setup(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
