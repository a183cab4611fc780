import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/core/hash.js';
import { hasScope, loadTokens } from '../../../src/server/access/tokens.js';
import { failure } from '../../store/support.js';
import { testFolder } from '../support.js';

const TOKEN = 'correct-horse-battery-staple';
const settings = { host: '127.0.0.1', token: undefined, tokenFile: undefined };
const silent = (): void => undefined;

async function tokenFile(content: unknown, mode = 0o600): Promise<string> {
  const path = join(await testFolder(), 'tokens.json');
  await writeFile(path, JSON.stringify(content));
  await chmod(path, mode);
  return path;
}

describe('the address to bind to', () => {
  test.each(['127.0.0.1', 'localhost', '::1', '127.1.2.3'])('%s needs no token', async (host) => {
    const tokens = await loadTokens({ ...settings, host }, silent);
    expect(tokens.required).toBe(false);
    expect(tokens.identify(undefined)).toEqual({ name: 'local', scopes: ['admin'] });
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.org', '127.0.0.1.example.org'])(
    '%s needs one',
    async (host) => {
      const error = await failure(loadTokens({ ...settings, host }, silent));
      expect(error.code).toBe('CONFIG_INVALID');
      expect(error.message).toBe(`without a token the service binds to loopback only, not to ${host}`);
      expect(error.hint).toContain('TOKENMILL_TOKEN');
      expect((await loadTokens({ ...settings, host, token: TOKEN }, silent)).required).toBe(true);
    },
  );
});

test('one token has every scope; others are nobody', async () => {
  const tokens = await loadTokens({ ...settings, token: TOKEN }, silent);
  const identity = tokens.identify(TOKEN)!;
  expect(['read', 'write', 'admin'].map((scope) => hasScope(identity, scope as 'read'))).toEqual([
    true,
    true,
    true,
  ]);
  for (const other of [undefined, '', TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase(), sha256(TOKEN)]) {
    expect(tokens.identify(other)).toBeUndefined();
  }
});

describe('a file of tokens', () => {
  test('gives each its name and scopes, by the token or its digest', async () => {
    const path = await tokenFile({
      tokens: [
        { name: 'reader', token: 'reader-token-0123456789', scopes: ['read'] },
        { name: 'loader', sha256: sha256('loader-token-0123456789'), scopes: ['read', 'write'] },
        { name: 'root', token: 'root-token-0123456789', scopes: ['admin'] },
      ],
    });
    const tokens = await loadTokens({ ...settings, host: '0.0.0.0', tokenFile: path }, silent);
    const allowed = ['reader', 'loader', 'root'].map((name) => {
      const identity = tokens.identify(`${name}-token-0123456789`)!;
      return [
        identity.name,
        ...(['read', 'write', 'admin'] as const).map((scope) => hasScope(identity, scope)),
      ];
    });
    expect(allowed).toEqual([
      ['reader', true, false, false],
      ['loader', true, true, false],
      ['root', true, true, true],
    ]);
  });

  test('that others can read is worth a warning', async () => {
    const content = { tokens: [{ name: 'a', token: TOKEN, scopes: ['read'] }] };
    const logged: string[] = [];
    const log = (message: string): void => void logged.push(message);
    await loadTokens({ ...settings, tokenFile: await tokenFile(content) }, log);
    expect(logged).toEqual([]);
    const open = await tokenFile(content, 0o644);
    await loadTokens({ ...settings, tokenFile: open }, log);
    expect(logged).toEqual([`warning: ${open} can be read by others; chmod 600 ${open}`]);
  });

  const token = { name: 'a', token: TOKEN, scopes: ['read'] };
  test.each([
    [{}, /tokens/],
    [{ tokens: [] }, /tokens/],
    [{ tokens: [{ ...token, token: 'short' }] }, /tokens\.0\.token/],
    [{ tokens: [{ ...token, scopes: ['root'] }] }, /tokens\.0\.scopes/],
    [{ tokens: [{ ...token, scopes: [] }] }, /tokens\.0\.scopes/],
    [{ tokens: [{ ...token, scope: 'read' }] }, /scope/],
    [{ tokens: [{ ...token, token: undefined }] }, /a has to have either token or sha256/],
    [{ tokens: [{ ...token, sha256: sha256(TOKEN) }] }, /a has to have either token or sha256/],
    [{ tokens: [{ ...token, token: undefined, sha256: 'XYZ' }] }, /sha256/],
    [{ tokens: [token, token] }, /two tokens have the name a/],
    [{ tokens: [{ ...token, name: 'a b' }] }, /tokens\.0\.name/],
  ])('that is %j is refused, and no token is shown', async (content, message) => {
    const error = await failure(loadTokens({ ...settings, tokenFile: await tokenFile(content) }, silent));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toMatch(message);
    expect(`${error.message}${error.hint}`).not.toContain(TOKEN);
  });

  test('that is missing, that is not JSON, a token too short', async () => {
    const path = await tokenFile({});
    expect((await failure(loadTokens({ ...settings, tokenFile: `${path}x` }, silent))).code).toBe(
      'FILE_NOT_FOUND',
    );
    await writeFile(path, '{');
    expect((await failure(loadTokens({ ...settings, tokenFile: path }, silent))).code).toBe('INPUT_CORRUPT');
    expect((await failure(loadTokens({ ...settings, token: 'short' }, silent))).code).toBe('CONFIG_INVALID');
  });
});
