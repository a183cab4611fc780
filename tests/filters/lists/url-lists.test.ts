import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectText } from '../../../src/filters/inspect.js';
import { loadUrlLists } from '../../../src/filters/lists/load-url-lists.js';
import { UrlLists } from '../../../src/filters/lists/url-lists.js';
import { loadPolicy } from '../../../src/filters/policy.js';
import { measureSignals, SIGNALS } from '../../../src/filters/signals/index.js';

let folder: string;
let lists: UrlLists;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tokenmill-test-'));
  const write = (name: string, content: string): void => writeFileSync(join(folder, name), content);
  mkdirSync(join(folder, 'adult'));
  write('adult/domains', 'bad.example\nworse.example.org\n');
  write('adult/urls', 'fine.example/bad/page\n');
  write(
    'ads.hosts',
    '# hosts\n127.0.0.1 localhost\n0.0.0.0 ads.example tracker.example # both\n::1 six.example\n',
  );
  write('spam.txt', 'Spam.Example\nhttp://www.fine.example/spam/\n\n# nothing\n');
  write('hard_words.txt', 'Casino\n');
  write('soft_words', 'free\nwin\nprize\n');
  write('substrings.txt', 'xxx\n');
  lists = new UrlLists(await loadUrlLists([folder]));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('hosts and addresses', () => {
  test.each([
    ['https://bad.example/', 'adult'],
    ['http://www.bad.example:8080/a?b', 'adult'],
    ['https://deep.sub.bad.example/x', 'adult'],
    ['https://notbad.example/', ''],
    ['https://example.org/', ''],
    ['https://worse.example.org', 'adult'],
    ['https://fine.example/bad/page', 'adult'],
    ['https://fine.example/bad/page/', 'adult'],
    ['https://fine.example/bad/page2', ''],
    ['https://fine.example/SPAM', 'spam'],
    ['https://x@tracker.example/', 'ads'],
    ['https://six.example/', 'ads'],
    ['https://spam.example#top', 'spam'],
    ['', ''],
  ])('%s: %s', (url, category) => expect(lists.match(url).category).toBe(category));

  test('a document without address matches nothing', () => {
    expect(lists.match(null)).toEqual({ category: '', hardWords: 0, softWords: 0, substrings: 0 });
  });
});

test('words of addresses', () => {
  expect(lists.match('https://a.example/CASINO-royale')).toMatchObject({ hardWords: 1 });
  expect(lists.match('https://casinos.example/')).toMatchObject({ hardWords: 0 });
  expect(lists.match('https://win.example/free-free/prizes')).toMatchObject({ softWords: 2 });
  expect(lists.match('https://a.example/x-x_x')).toMatchObject({ substrings: 1 });
});

test('they are signals', () => {
  const values = measureSignals('text', {
    url: 'https://win.bad.example/casino/free/xxx',
    language: 'en',
    lists,
  });
  const named = SIGNALS.map(({ name }, index) => [name, values[index]]).filter(
    ([name]) => String(name).startsWith('url_') && name !== 'url_character_ratio',
  );
  expect(Object.fromEntries(named)).toEqual({
    url_blocked_category: 'adult',
    url_hard_word_count: 1,
    url_soft_word_count: 2,
    url_substring_count: 1,
  });
});

test('one text is judged with the lists of its address', async () => {
  const policy = await loadPolicy('refinedweb');
  const judge = async (url: string): Promise<string | null> =>
    (await inspectText('text', policy, { url, lists })).reason;
  expect(await judge('https://win.bad.example/')).toBe('blocked_url');
  expect(await judge('https://good.example/')).not.toBe('blocked_url');
});

test('a list that is missing or empty is an error that names it', async () => {
  await expect(loadUrlLists([join(folder, 'none')])).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  const empty = join(folder, 'empty.txt');
  writeFileSync(empty, '# only a comment\n');
  await expect(loadUrlLists([empty])).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(empty) as string,
  });
});
