/**
 * What every command shares: the workspace, settings out of flags, environment, file and defaults, output on stdout
 * and signals. Invariant: results go to stdout, all else to stderr.
 */
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { z } from 'zod';
import { flagName, readConfigFile, resolveConfig } from '../core/config.js';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import { formatBytes } from '../core/format.js';
import { stderrLog } from '../core/log.js';
import { Workspace } from '../store/workspace.js';

export const DEFAULT_WORKSPACE = 'workspace';

/** Adds `--workspace DIR`, which every command that touches one has. */
export function withWorkspace(command: Command): Command {
  return command.option(
    '--workspace <dir>',
    'folder of the workspace (default: ./workspace, or TOKENMILL_WORKSPACE)',
  );
}

/** Opens the workspace that the flag, the environment or the default names. */
export function openWorkspace(flags: { workspace?: string }): Workspace {
  return new Workspace(resolve(flags.workspace ?? process.env['TOKENMILL_WORKSPACE'] ?? DEFAULT_WORKSPACE));
}

/** Adds a flag for each key of a schema, with the key's description and default as help. */
export function withSettings<Shape extends z.ZodRawShape>(
  command: Command,
  schema: z.ZodObject<Shape>,
  omit: readonly string[] = [],
): Command {
  for (const [key, field] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    if (omit.includes(key)) continue;
    const fallback = field.safeParse(undefined);
    const value = fallback.success ? fallback.data : undefined;
    const shown =
      (typeof value === 'string' && value !== '') || typeof value === 'number' ? ` (default: ${value})` : '';
    const flag = typeof value === 'boolean' ? flagName(key) : `${flagName(key)} <${placeholder(key)}>`;
    command.addOption(new Option(flag, `${field.description ?? ''}${shown}`));
  }
  return command;
}

function placeholder(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Settings of a command: flags, then TOKENMILL_* variables, then the command's section of the file, then defaults. */
export async function settingsOf<Shape extends z.ZodRawShape>(
  section: string,
  schema: z.ZodObject<Shape>,
  flags: Readonly<Record<string, unknown>>,
): Promise<z.output<z.ZodObject<Shape>>> {
  return resolveConfig(schema, { flags, environment: process.env, file: await readConfigFile(section) });
}

/** Writes to stdout and waits until it is taken, so that large results do not pile up in memory. */
export async function write(text: string | Uint8Array): Promise<void> {
  if (process.stdout.write(text)) return;
  await new Promise<void>((done) => process.stdout.once('drain', done));
}

/** Aborts at the first SIGINT or SIGTERM; a second SIGINT ends the process at once. */
export function interruptSignal(message: string): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    stderrLog(process.stderr.isTTY ? `\n${message}` : message);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

/**
 * A file, or standard input for `-` or nothing, in parts.
 * @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN
 */
export async function* openInput(path: string | undefined): AsyncGenerator<Uint8Array> {
  const fromStdin = path === undefined || path === '-';
  try {
    for await (const part of fromStdin ? process.stdin : createReadStream(path)) yield part as Uint8Array;
  } catch (error) {
    throw fromSystemError(error, fromStdin ? 'standard input' : path);
  }
}

/**
 * Bytes of a file, or of standard input for `-` or nothing.
 * @throws TokenmillError INPUT_TOO_LARGE beyond `maximum` bytes, FILE_NOT_FOUND, FILE_FORBIDDEN
 */
export async function readInput(path: string | undefined, maximum: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of openInput(path)) {
    parts.push(part);
    bytes += part.length;
    if (bytes > maximum) {
      const name = path === undefined || path === '-' ? 'standard input' : path;
      throw new TokenmillError('INPUT_TOO_LARGE', `${name} is larger than ${formatBytes(maximum)}`);
    }
  }
  return Buffer.concat(parts);
}
