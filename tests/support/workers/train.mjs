/**
 * Trains in a process of its own, on the compiled code: `train.mjs WORKSPACE OPTIONS [N]`, options as JSON. Prints the
 * summary as JSON; SIGINT ends it as the command line would. Where N is given, the process is killed at its n-th operation
 * on files, before it is done, and in the middle of it where it appends to a file.
 */
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const [root, options, killAt] = process.argv.slice(2);

const die = () => {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
};

if (killAt !== undefined) {
  let left = Number(killAt);
  for (const name of ['open', 'rename', 'rm', 'link', 'mkdir']) {
    const original = promises[name];
    promises[name] = (...args) => {
      if (--left === 0) die();
      return original(...args);
    };
  }
  const { appendFile } = promises;
  promises.appendFile = async (path, text) => {
    if (--left > 0) return appendFile(path, text);
    await appendFile(path, text.slice(0, text.length >> 1));
    return die();
  };
  syncBuiltinESMExports();
}

const { describeError, TokenmillError } = await import('../../../dist/core/errors.js');
const { stderrLog } = await import('../../../dist/core/log.js');
const { Workspace } = await import('../../../dist/store/workspace.js');
const { trainOptionsSchema } = await import('../../../dist/trainer/options.js');
const { train } = await import('../../../dist/trainer/train.js');

const controller = new AbortController();
process.on('SIGINT', () => controller.abort());
try {
  const summary = await train(trainOptionsSchema.parse(JSON.parse(options)), {
    workspace: new Workspace(root),
    log: stderrLog,
    signal: controller.signal,
  });
  process.stdout.write(`${JSON.stringify(summary)}\n`);
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = error instanceof TokenmillError ? error.exitStatus : 1;
}
