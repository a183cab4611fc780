import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { cutStatements } from '../../src/cli/sql/statements.js';
import { completeLine } from '../../src/cli/sql/completion.js';
import { SqlShell } from '../../src/cli/sql/shell.js';
import { TokenmillError } from '../../src/core/errors.js';
import { QuerySession } from '../../src/store/query/session.js';
import { sampleWorkspace } from '../store/sample-workspace.js';
import { tokenmill, type CliResult } from '../support/cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-sql-cli-'));
  await sampleWorkspace(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('cutStatements', () => {
  it.each([
    ['select 1;', ['select 1'], ''],
    ['select 1; select 2 ;', ['select 1', 'select 2'], ''],
    ['select 1', [], 'select 1'],
    [';; ;', [], ''],
    [`select ';' || ";" ; x`, [`select ';' || ";"`], ' x'],
    [`select 'it''s;'; y`, [`select 'it''s;'`], ' y'],
    ["select 'open;", [], "select 'open;"],
    ['select 1 -- not; this\n;', ['select 1 -- not; this'], ''],
    ['select 1 /* ; */ ; z', ['select 1 /* ; */'], ' z'],
    ['select /* open ;', [], 'select /* open ;'],
    ['select $$;$$; select $a$ $$;$a$;', ['select $$;$$', 'select $a$ $$;$a$'], ''],
    ['select $1 - 2 / 3;', ['select $1 - 2 / 3'], ''],
  ])('%j', (text, statements, rest) => {
    expect(cutStatements(text)).toEqual({ statements, rest });
  });
});

describe('completion', () => {
  const words = {
    views: ['documents', 'shards'],
    columns: ['document_id', 'tokens', 'Score'],
    reports: ['bad-records', 'domains'],
    formats: ['csv', 'json'],
  };

  it.each([
    ['select * from doc', ['document_id', 'documents'], 'doc'],
    ['SEL', ['select'], 'SEL'],
    ['select sc', ['Score'], 'sc'],
    ['select nothing_like_it', [], 'nothing_like_it'],
    ['select ', [], ''],
    ['\\re', ['\\report'], '\\re'],
    ['\\report bad-', ['bad-records'], 'bad-'],
    ['\\d ', ['documents', 'shards'], ''],
    ['\\f j', ['json'], 'j'],
    ['\\timing x', [], 'x'],
  ])('of %j', (line, offered, end) => {
    expect(completeLine(line, words)).toEqual([offered, end]);
  });
});

class Screen extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  take(): string {
    const { text } = this;
    this.text = '';
    return text;
  }
}

async function newShell(): Promise<{ shell: SqlShell; screen: Screen }> {
  const session = await QuerySession.open({ workspace: folder, threads: 1 });
  onTestFinished(() => session.close());
  const screen = new Screen();
  return { shell: new SqlShell(session, screen), screen };
}

async function codeOf(line: Promise<boolean>): Promise<string> {
  const error = await line.catch((thrown: unknown) => thrown);
  return error instanceof TokenmillError ? error.code : String(error);
}

describe('the shell', () => {
  it('runs statements of several lines and several on a line', async () => {
    const { shell, screen } = await newShell();
    await shell.line('select 1 as a,');
    expect([shell.isPending, screen.take()]).toEqual([true, '']);
    await shell.line("  ';' as b; select 2 as c; select");
    expect([shell.isPending, screen.take()]).toEqual([true, 'a  b\n-  -\n1  ;\n(1 row)\nc\n-\n2\n(1 row)\n']);
    shell.interrupt();
    expect(shell.isPending).toBe(false);
    await shell.line('select 3 as d');
    await shell.end();
    expect(screen.take()).toBe('d\n-\n3\n(1 row)\n');
  });

  it('has commands', async () => {
    const { shell, screen } = await newShell();
    await shell.line('\\f csv');
    await shell.line('\\d');
    expect(screen.take().split('\r\n')).toEqual([
      'name',
      'bad_records',
      'commits',
      'documents',
      'queue',
      'rules',
      'shards',
      'signatures',
      'sources',
      'training',
      'training_tokens',
      'verdicts',
      '',
    ]);
    await shell.line('\\d rules');
    expect(screen.take()).toBe(
      'column_name,column_type\r\ndataset,VARCHAR\r\nposition,BIGINT\r\nrule,VARCHAR\r\n',
    );
    await shell.line('\\report');
    expect(screen.take()).toContain('funnel        Funnel (dataset)\n');
    await shell.line('\\report domains limit=1');
    expect(screen.take()).toBe(
      'dataset,host,documents,kept,percent_kept,tokens\r\ncrawl,b.example,75,25,33.33,1275\r\n',
    );
    await shell.line('\\timing');
    await shell.line('select 1 as a;');
    expect(screen.take()).toMatch(/^timing is on\na\r\n1\r\n\d+\.\d{3} s\n$/);
    await shell.line('\\?');
    expect(screen.take()).toContain('\\report');
    expect(await codeOf(shell.line('\\nothing'))).toBe('USAGE');
    expect(await codeOf(shell.line('\\f arrow'))).toBe('USAGE');
    expect(await codeOf(shell.line('\\report nothing'))).toBe('REPORT_NOT_FOUND');
    expect(await codeOf(shell.line('\\d nothing'))).toBe('SQL_INVALID');
    expect([await shell.line('select 1; select 2;'), await shell.line('\\q')]).toEqual([true, false]);
  });

  it('goes on after an error and after an interrupt', async () => {
    const { shell, screen } = await newShell();
    expect(await codeOf(shell.line('selec 1;'))).toBe('SQL_INVALID');
    const endless = codeOf(shell.line('select count(*) from range(100000000000) a, range(1000) b;'));
    shell.interrupt();
    expect(await endless).toBe('INTERRUPTED');
    await shell.line('select count(*)::int as n from documents;');
    expect(screen.take()).toBe('  n\n---\n100\n(1 row)\n');
  });
});

describe('the commands', () => {
  const run = (args: readonly string[], input?: string): Promise<CliResult> =>
    tokenmill([...args, '--workspace', folder], { input });

  it('sql takes statements from a pipe, and stops at the first that fails', async () => {
    const fine = await run(['sql', '--format', 'ndjson'], 'select 1 as a;\n\\f csv\nselect 2 as b');
    expect([fine.status, fine.stdout, fine.stderr]).toEqual([0, '{"a":1}\nb\r\n2\r\n', '']);
    const failing = await run(['sql', '--format', 'csv'], 'select 1 as a;\nselect nothing;\nselect 2;');
    expect([failing.status, failing.stdout]).toEqual([2, 'a\r\n1\r\n']);
    expect(failing.stderr).toContain('SQL_INVALID');
  });

  it('query runs reports and statements with values', async () => {
    const report = await run(['query', '--report', 'domains', '--set', 'limit=1', '--format', 'csv']);
    expect(report.stdout).toBe(
      'dataset,host,documents,kept,percent_kept,tokens\r\ncrawl,b.example,75,25,33.33,1275\r\n',
    );
    const values = await run([
      'query',
      'select $n + 1 as n, $t as t',
      '--set',
      'n=1.5',
      '--set',
      't=x y',
      '--format',
      'csv',
    ]);
    expect(values.stdout).toBe('n,t\r\n2.5,x y\r\n');
    expect((await run(['query', '--reports'])).stdout).toContain('--set limit=50  integer: how many hosts');
    const neither = await run(['query']);
    expect([neither.status, neither.stderr.includes('--report NAME')]).toEqual([2, true]);
    expect((await run(['query', '--report', 'nothing'])).status).toBe(1);
  });

  it('files of the machine are read only where they are asked for', async () => {
    const file = join(folder, 'labels.csv');
    await writeFile(file, 'document_id,label\ndoc0,good\n');
    const sql = `select label, ordinal from documents join '${file}' using (document_id)`;
    const refused = await run(['query', sql]);
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    const allowed = await run(['query', sql, '--allow-files', '--format', 'csv']);
    expect(allowed.stdout).toBe('label,ordinal\r\ngood,0\r\n');
    expect((await run(['query', `copy documents to '${file}'`, '--allow-files'])).status).toBe(2);
  });

  it('an interrupt ends a statement', async () => {
    const sql = 'select i from range(100000000000) t(i)';
    const { status, stderr } = await tokenmill(['query', sql, '--workspace', folder], {
      onStart: (child) => child.stdout?.once('data', () => child.kill('SIGINT')),
    });
    expect([status, stderr.includes('INTERRUPTED')]).toEqual([130, true]);
  });
});
