/**
 * Who may do what. A token has a name and scopes: `read` sees, `write` changes data, `admin` does both and manages the
 * service. Without any token the service is open, and then it binds to loopback only.
 *
 * Invariants: tokens are compared as SHA-256 digests, in constant time, each request against every token; a token is
 * never written to a log, an error or a response.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import { readJson } from '../../core/files.js';
import type { Log } from '../../core/log.js';
import type { ServerSettings } from '../settings.js';
import { isLoopback } from './hosts.js';

export const SCOPES = ['read', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Identity {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** Shorter ones can be guessed. */
const MIN_TOKEN_LENGTH = 16;
const MAX_TOKENS = 1000;

const tokenFileSchema = z.strictObject({
  tokens: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
        /** The token itself, or its SHA-256 in hexadecimal. */
        token: z.string().min(MIN_TOKEN_LENGTH).optional(),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .optional(),
        scopes: z.array(z.enum(SCOPES)).min(1),
      }),
    )
    .min(1)
    .max(MAX_TOKENS),
});

interface KnownToken extends Identity {
  readonly digest: Buffer;
}

/** Who asks where the service has no tokens. */
const LOCAL: Identity = { name: 'local', scopes: ['admin'] };

export class TokenTable {
  private readonly tokens: readonly KnownToken[];

  constructor(tokens: readonly KnownToken[]) {
    this.tokens = tokens;
  }

  /** Whether requests need a token. */
  get required(): boolean {
    return this.tokens.length > 0;
  }

  /** Whose token it is; undefined for one that is not known. */
  identify(token: string | undefined): Identity | undefined {
    if (!this.required) return LOCAL;
    if (token === undefined) return undefined;
    const digest = digestOf(token);
    let found: Identity | undefined;
    for (const known of this.tokens) {
      if (timingSafeEqual(known.digest, digest)) found = known;
    }
    return found;
  }
}

export function hasScope(identity: Identity, scope: Scope): boolean {
  return identity.scopes.includes(scope) || identity.scopes.includes('admin');
}

/** The tokens that the settings name. @throws TokenmillError CONFIG_INVALID, FILE_NOT_FOUND, INPUT_CORRUPT */
export async function loadTokens(
  settings: Pick<ServerSettings, 'host' | 'token' | 'tokenFile'>,
  log: Log,
): Promise<TokenTable> {
  const tokens: KnownToken[] = [];
  if (settings.token !== undefined) {
    if (settings.token.length < MIN_TOKEN_LENGTH) {
      throw new TokenmillError('CONFIG_INVALID', `the token has fewer than ${MIN_TOKEN_LENGTH} characters`, {
        hint: 'make one with: openssl rand -hex 24',
      });
    }
    tokens.push({ name: 'token', scopes: SCOPES, digest: digestOf(settings.token) });
  }
  if (settings.tokenFile !== undefined) tokens.push(...(await readTokenFile(settings.tokenFile, log)));
  if (tokens.length === 0 && !isLoopback(settings.host)) {
    throw new TokenmillError(
      'CONFIG_INVALID',
      `without a token the service binds to loopback only, not to ${settings.host}`,
      {
        hint: 'set TOKENMILL_TOKEN (openssl rand -hex 24 makes one) or --token-file, or leave --host out',
      },
    );
  }
  return new TokenTable(tokens);
}

async function readTokenFile(path: string, log: Log): Promise<KnownToken[]> {
  const result = tokenFileSchema.safeParse(await readJson(path));
  if (!result.success) {
    const { path: where, message } = result.error.issues[0];
    throw invalidFile(path, `${where.join('.')}: ${message}`);
  }
  const { mode } = await stat(path).catch((error: unknown) => {
    throw fromSystemError(error, path);
  });
  if ((mode & 0o077) !== 0) log(`warning: ${path} can be read by others; chmod 600 ${path}`);
  const names = new Set<string>();
  return result.data.tokens.map(({ name, token, sha256, scopes }) => {
    if (names.has(name)) throw invalidFile(path, `two tokens have the name ${name}`);
    names.add(name);
    if ((token === undefined) === (sha256 === undefined)) {
      throw invalidFile(path, `${name} has to have either token or sha256`);
    }
    return {
      name,
      scopes,
      digest: token === undefined ? Buffer.from(sha256 as string, 'hex') : digestOf(token),
    };
  });
}

function invalidFile(path: string, problem: string): TokenmillError {
  return new TokenmillError('CONFIG_INVALID', `${path} is not a file of tokens: ${problem}`, {
    hint: 'it looks like {"tokens": [{"name": "ci", "token": "...", "scopes": ["read", "write"]}]}',
  });
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
