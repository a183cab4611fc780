/**
 * Configuration: flags > environment > file > defaults, validated by one zod schema.
 *
 * The file is `tokenmill.config.json` in the current folder, or the path in TOKENMILL_CONFIG. A key `maxTokens`
 * is the flag `--max-tokens` and the environment variable `TOKENMILL_MAX_TOKENS`.
 */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { TokenmillError } from './errors.js';
import { readJson } from './files.js';

export const CONFIG_FILE = 'tokenmill.config.json';

/** `maxTokens` -> `TOKENMILL_MAX_TOKENS` */
export function environmentName(key: string): string {
  return `TOKENMILL_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `maxTokens` -> `--max-tokens` */
export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export interface ConfigSources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Parsed content of the configuration file, and the section of it that applies. */
  readonly file?: { readonly path: string; readonly values: Readonly<Record<string, unknown>> };
}

/**
 * Merges the sources for the keys of `schema` and validates the result.
 * @throws TokenmillError CONFIG_INVALID naming the key and the source that set it
 */
export function resolveConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  sources: ConfigSources,
): z.output<z.ZodObject<Shape>> {
  const merged: Record<string, unknown> = {};
  const origin: Record<string, string> = {};
  for (const key of Object.keys(schema.shape)) {
    const variable = environmentName(key);
    const fromEnvironment = sources.environment?.[variable];
    if (sources.flags[key] !== undefined) {
      merged[key] = sources.flags[key];
      origin[key] = flagName(key);
    } else if (fromEnvironment !== undefined && fromEnvironment !== '') {
      merged[key] = fromEnvironment;
      origin[key] = variable;
    } else if (sources.file?.values[key] !== undefined) {
      merged[key] = sources.file.values[key];
      origin[key] = `${key} in ${sources.file.path}`;
    }
  }
  const result = schema.safeParse(merged);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const key = String(issue.path[0] ?? '');
  throw new TokenmillError('CONFIG_INVALID', `${origin[key] ?? key}: ${issue.message}`, {
    hint: 'see --help for the values that are allowed',
  });
}

/** Reads the configuration file where there is one. Sections are commands: {"ingest": {...}, "train": {...}}. */
export async function readConfigFile(
  section: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ConfigSources['file']> {
  const named = environment['TOKENMILL_CONFIG'];
  const path = named ?? CONFIG_FILE;
  if (named === undefined && !existsSync(path)) return undefined;
  const parsed = z.record(z.string(), z.record(z.string(), z.unknown())).safeParse(await readJson(path));
  if (!parsed.success) {
    throw new TokenmillError('CONFIG_INVALID', `${path} is not an object of sections`, {
      hint: 'a configuration file looks like {"ingest": {"dataset": "crawl"}}',
    });
  }
  return { path, values: parsed.data[section] ?? {} };
}

/** A whole number given as a number or as its decimal text (flags and environment variables are text). */
export function integer(minimum: number, maximum = Number.MAX_SAFE_INTEGER): z.ZodType<number> {
  return z.coerce.number().int().min(minimum).max(maximum);
}

const SIZE = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i;

/** A size in bytes: 1048576, "64MB", "1.5g". Units are decimal. */
export const byteSize = z.union([z.number(), z.string()]).transform((value, context): number => {
  if (typeof value === 'number') return value;
  const match = SIZE.exec(value.trim());
  if (match === null) {
    context.addIssue({ code: 'custom', message: `"${value}" is not a size such as 64MB` });
    return z.NEVER;
  }
  return Math.round(Number(match[1]) * 1000 ** ['', 'k', 'm', 'g', 't'].indexOf(match[2].toLowerCase()));
});
