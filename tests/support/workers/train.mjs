/**
 * Trains in a process of its own, on the compiled code: `train.mjs WORKSPACE OPTIONS`, options as JSON. Prints the
 * summary as JSON; SIGINT ends it as the command line would.
 */
import { describeError, TokenmillError } from '../../../dist/core/errors.js';
import { stderrLog } from '../../../dist/core/log.js';
import { Workspace } from '../../../dist/store/workspace.js';
import { trainOptionsSchema } from '../../../dist/trainer/options.js';
import { train } from '../../../dist/trainer/train.js';

const [root, options] = process.argv.slice(2);
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
