import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBytes } from '../../../src/ingest/sources/bytes.js';
import { expandInputs } from '../../../src/ingest/sources/expand.js';
import { MAIN, run } from '../../support/cli.js';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tokenmill-expand-'));
  for (const path of [
    'b.txt',
    'a.warc.gz',
    'B.jsonl',
    'x/10.txt',
    'x/9.txt',
    'x/y/deep.html',
    'x/.hidden.txt',
    '.git/a.txt',
    'x/image.png',
    'x/notes',
  ]) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), path);
  }
  await symlink(join(root, 'x'), join(root, 'x', 'loop'));
  await symlink(join(root, 'b.txt'), join(root, 'x', 'link.txt'));
});

/** Names below the root. */
async function names(...inputs: string[]): Promise<string[]> {
  const { sources } = await expandInputs(inputs.map((input) => (input === '-' ? input : `${root}/${input}`)));
  return sources.map(({ name }) => name.replace(`${root}/`, ''));
}

describe('expandInputs', () => {
  it('takes files as they are named, whatever their kind', async () => {
    const { sources, skipped } = await expandInputs([`${root}/x/image.png`, `${root}/./b.txt`]);
    expect(sources).toEqual([
      {
        name: `${root}/x/image.png`,
        location: `${root}/x/image.png`,
        size: 11,
        modifiedMs: expect.any(Number) as number,
      },
      { name: `${root}/b.txt`, location: `${root}/b.txt`, size: 5, modifiedMs: expect.any(Number) as number },
    ]);
    expect(skipped).toEqual([]);
  });

  it('refuses a name that reads as the place of a member of an archive, and no other with an exclamation mark', async () => {
    const folder = join(root, 'x', 'marks');
    await mkdir(folder);
    await writeFile(join(folder, 'a!1+b!2.txt'), '');
    expect(await names('x/marks')).toEqual(['x/marks/a!1+b!2.txt']);
    await writeFile(join(folder, 'a!1+2!b.txt'), '');
    for (const input of ['x/marks', 'x/marks/a!1+2!b.txt'])
      await expect(names(input)).rejects.toMatchObject({ code: 'INPUT_UNSUPPORTED' });
    await expect(expandInputs(['https://example.com/a!1+2!b'])).rejects.toThrow('place of a member');
    await rm(folder, { recursive: true });
  });

  it('walks folders in order of code units, and says what it leaves out', async () => {
    const { sources, skipped } = await expandInputs([`${root}/`]);
    expect(sources.map(({ name }) => name.slice(root.length + 1))).toEqual([
      'B.jsonl',
      'a.warc.gz',
      'b.txt',
      'x/10.txt',
      'x/9.txt',
      'x/y/deep.html',
    ]);
    expect(skipped.map((path) => path.slice(root.length + 1)).sort()).toEqual([
      '.git',
      'x/.hidden.txt',
      'x/image.png',
      'x/loop',
      'x/notes',
    ]);
  });

  it('keeps the order of inputs, and takes the same file once', async () => {
    expect(await names('x', 'b.txt', 'B.jsonl', 'x/9.txt')).toEqual([
      'x/10.txt',
      'x/9.txt',
      'x/link.txt',
      'x/y/deep.html',
      'B.jsonl',
    ]);
  });

  it('knows patterns', async () => {
    expect(await names('*.txt')).toEqual(['b.txt']);
    expect(await names('**/*.txt')).toEqual(['b.txt', 'x/10.txt', 'x/9.txt']);
    expect(await names('x/?.txt')).toEqual(['x/9.txt']);
    expect(await names('[a-z].*')).toEqual(['a.warc.gz', 'b.txt']);
    expect(await names('[!a-z]*')).toEqual(['B.jsonl']);
    expect(await names('x/**/deep.*')).toEqual(['x/y/deep.html']);
    expect(await names('x/.h*')).toEqual(['x/.hidden.txt']);
    expect(await names('*/y')).toEqual(['x/y/deep.html']);
  });

  it('takes relative paths', async () => {
    const before = process.cwd();
    process.chdir(root);
    try {
      const list = async (...inputs: string[]): Promise<string[]> =>
        (await expandInputs(inputs)).sources.map(({ name }) => name);
      expect(await list('./b.txt')).toEqual(['b.txt']);
      expect(await list('*.txt', './x/././9.txt')).toEqual(['b.txt', 'x/9.txt']);
      expect(await list('.')).toEqual([
        'B.jsonl',
        'a.warc.gz',
        'b.txt',
        'x/10.txt',
        'x/9.txt',
        'x/y/deep.html',
      ]);
      expect(await list('x/')).toEqual(['x/10.txt', 'x/9.txt', 'x/link.txt', 'x/y/deep.html']);
    } finally {
      process.chdir(before);
    }
  });

  it('takes standard input', async () => {
    expect((await expandInputs(['-', '-'])).sources).toEqual([
      { name: '-', location: '-', size: null, modifiedMs: null },
    ]);
  });

  it('says what is missing', async () => {
    await expect(names('absent.txt')).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringContaining('absent.txt') as string,
    });
    await expect(names('*.parquet')).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringContaining('*.parquet') as string,
    });
    await expect(names('nowhere/*.txt')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(names('[z-a].txt')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(openBytes(`${root}/absent.txt`, 0)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(openBytes('-', 5)).rejects.toMatchObject({ code: 'INPUT_UNSUPPORTED' });
  });

  it('says what may not be read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenmill-closed-'));
    const closed = join(folder, 'closed');
    await mkdir(closed);
    const file = join(folder, 'closed.txt');
    await writeFile(file, 'x');
    await chmod(folder, 0o755);
    await chmod(closed, 0);
    await chmod(file, 0);
    const script = (call: string): string[] => [
      '--input-type=module',
      '-e',
      `import { expandInputs } from '${new URL('../ingest/sources/expand.js', `file://${MAIN}`).href}'; import { openBytes } from '${new URL('../ingest/sources/bytes.js', `file://${MAIN}`).href}'; await ${call}.then(() => console.log('read'), ({ code }) => console.log(code));`,
    ];
    for (const call of [`expandInputs(['${closed}'])`, `openBytes('${file}', 0)`]) {
      const args = [process.execPath, ...script(call)];
      // Permissions do not bind root, so root becomes somebody else for this.
      const command =
        process.getuid?.() === 0
          ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...args]
          : args;
      expect((await run(command[0], command.slice(1), { cwd: '/' })).stdout).toBe('FILE_FORBIDDEN\n');
    }
  });
});

describe('standard input', () => {
  const READ = `
    const { cutRecords } = await import('${new URL('../ingest/formats/cut.js', `file://${MAIN}`).href}');
    const { detectLayout } = await import('${new URL('../ingest/formats/detect.js', `file://${MAIN}`).href}');
    const source = { name: '-', location: '-', size: null, modifiedMs: null };
    const { format } = await detectLayout(source);
    const records = [];
    for await (const record of cutRecords(source, { format })) records.push([record.space, record.offset, record.length]);
    console.log(JSON.stringify([format, records]));`;

  it('can be looked at and then read whole', async () => {
    const line = `{"text":"${'x'.repeat(100_000)}"}\n`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', READ], {
      input: line.repeat(3),
    });
    const n = line.length;
    expect(JSON.parse(stdout)).toEqual([
      'jsonl',
      [
        ['file', 0, n],
        ['file', n, n],
        ['file', 2 * n, n],
      ],
    ]);
  });
});
