/** `tokenmill serve`: the service over HTTP, until SIGTERM or SIGINT. */
import { Command } from 'commander';
import { stderrLog } from '../../core/log.js';
import { createContext } from '../../server/context.js';
import { serverSettingsSchema } from '../../server/settings.js';
import { startService } from '../../server/start.js';
import {
  interruptSignal,
  openWorkspace,
  settingsOf,
  withSettings,
  withWorkspace,
  write,
} from '../context.js';

export function serveCommand(): Command {
  const command = new Command('serve')
    .description(
      'Serves the workspace over HTTP: uploads, jobs, documents, SQL, generation. See /docs of the service.',
    )
    .addHelpText(
      'after',
      `
Without a token the service binds to loopback only. TOKENMILL_TOKEN sets one, --token-file several.

Examples:
  tokenmill serve
  TOKENMILL_TOKEN=$(openssl rand -hex 24) tokenmill serve --host 0.0.0.0 --port 8080`,
    );
  // Not --token: every user of the machine sees the arguments of a process.
  return withWorkspace(withSettings(command, serverSettingsSchema, ['token'])).action(run);
}

async function run(flags: Record<string, unknown> & { workspace?: string }): Promise<void> {
  const { workspace, ...rest } = flags;
  const settings = await settingsOf('serve', serverSettingsSchema, rest);
  const context = await createContext({ workspace: openWorkspace({ workspace }), settings });
  const service = await startService(context);
  const interrupted = interruptSignal(`stopping; what is under way has ${settings.shutdownSeconds} s`);
  await write(`listening on ${service.url}\n`);
  if (!interrupted.aborted) {
    await new Promise<void>((resolve) =>
      interrupted.addEventListener('abort', () => resolve(), { once: true }),
    );
  }
  const clean = await service.stop();
  stderrLog(clean ? 'stopped' : 'stopped; some requests were cut off');
  // Idle threads and engines must not keep the process.
  process.exit(0);
}
