/** `tokenmill doctor`: looks at the machine and the workspace and says what is wrong and what to do about it. */
import { Command } from 'commander';
import { TokenmillError } from '../../core/errors.js';
import { openWorkspace, withWorkspace, write } from '../context.js';
import type { Finding } from '../doctor/finding.js';
import { checkMachine } from '../doctor/machine.js';
import { checkWorkspace } from '../doctor/workspace.js';

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('Checks the machine and the workspace, and says what to do where something is wrong.')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      '\nIt changes nothing. Exit status 1 where a check fails; a warning is no failure.',
    );
  return withWorkspace(command).action(run);
}

async function run(flags: { workspace?: string; json?: boolean }): Promise<void> {
  const workspace = openWorkspace(flags);
  const findings = [...(await checkMachine()), ...(await checkWorkspace(workspace))];
  await write(flags.json === true ? `${JSON.stringify(findings)}\n` : table(findings));
  const failed = findings.filter(({ status }) => status === 'fail');
  if (failed.length === 0) return;
  throw new TokenmillError('CHECK_FAILED', `failed: ${failed.map(({ what }) => what).join(', ')}`);
}

function table(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  return findings
    .map(({ what, status, message, hint }) => {
      const line = `${status.padEnd(4)}  ${what.padEnd(width)}  ${message}\n`;
      return hint === null ? line : `${line}${' '.repeat(width + 8)}-> ${hint}\n`;
    })
    .join('');
}
