/**
 * Stands in for the command line in tests of jobs. What it does is in the name of its dataset; what it was told is its
 * result. It takes as long as its workspace lacks the file `go`.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const args = process.argv.slice(2);
const flag = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const workspace = flag('workspace');
const behaviour = flag('dataset');
const report = (value) => process.stderr.write(`${JSON.stringify(value)}\n`);
const fail = (code, status) => {
  report({ type: 'error', code, message: `told to fail: ${code}`, place: {}, hint: 'none' });
  process.exit(status);
};

process.stdin.on('close', () => process.kill(process.pid, 'SIGINT'));
process.stdin.resume();
process.on('SIGINT', () => {
  if (behaviour === 'stubborn') return;
  report({ type: 'log', message: 'finishing' });
  fail('INTERRUPTED', 130);
});
appendFileSync(join(workspace, 'trace'), `begin ${behaviour}\n`);
report({ type: 'log', message: 'begun' });
report({ type: 'progress', label: 'work', done: 1, total: 4, note: 'a quarter', values: { documents: 3 } });

if (behaviour === 'crash') process.kill(process.pid, 'SIGKILL');
if (behaviour === 'unreported') {
  process.stderr.write('something is badly wrong\n');
  process.exit(1);
}
if (behaviour === 'corrupt') fail('DATASET_CORRUPT', 3);
if (behaviour === 'locked' && !existsSync(join(workspace, 'unlocked'))) fail('DATASET_LOCKED', 1);
while (!existsSync(join(workspace, 'go'))) await new Promise((resolve) => setTimeout(resolve, 10));
report({ type: 'progress', label: 'work', done: 4, total: 4, note: null, values: { documents: 9 } });
appendFileSync(join(workspace, 'trace'), `end ${behaviour}\n`);
process.stdout.write(
  `${JSON.stringify({ args, settings: Object.keys(process.env).filter((name) => name.startsWith('TOKENMILL_')) })}\n`,
  () => process.exit(0),
);
