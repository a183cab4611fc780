import { describe, expect, it } from 'vitest';
import { commandOf, jobRequestSchema } from '../../../src/server/jobs/requests.js';

describe('a request to ingest', () => {
  const request = { kind: 'ingest', corpus: 'c' } as const;

  it('says how pages are read', () => {
    const reading = {
      extract: 'markdown',
      keep_links: true,
      keep_comments: false,
      normalize: 'nfc,control',
      extract_timeout: 5,
    } as const;
    const command = commandOf(jobRequestSchema.parse({ ...request, ...reading }), '/w', {
      allowPrivateAddresses: false,
    });
    expect(command.filter((part) => /extract|keep|normalize/.test(part))).toEqual([
      '--extract=markdown',
      '--keep-links',
      '--normalize=nfc,control',
      '--extract-timeout=5',
    ]);
  });

  it('names addresses behind files, and may reach private ones only where the service allows it', () => {
    const urls = ['https://example.com/a.jsonl', 'http://example.com/b'];
    const of = (inputs: object, allowPrivateAddresses: boolean): string[] =>
      commandOf(jobRequestSchema.parse({ kind: 'ingest', ...inputs }), '/w', { allowPrivateAddresses });
    const first = ['ingest', '--workspace=/w', '--json'];
    expect(of({ urls }, false)).toEqual([...first, '--public-addresses', '--dataset=default', '--', ...urls]);
    expect(of({ urls }, true)).toEqual([...first, '--dataset=default', '--', ...urls]);
    expect(of({ corpus: 'c', files: ['x.txt'], urls }, false).slice(4)).toEqual([
      '--corpus=c',
      '--dataset=default',
      '--',
      'x.txt',
      ...urls,
    ]);
  });

  it.each([{ extract: 'html' }, { normalize: 'nfc;control' }, { extract_timeout: 0 }, { keep_links: 'yes' }])(
    'that asks for %j is refused',
    (wrong) => {
      expect(jobRequestSchema.safeParse({ ...request, ...wrong }).success).toBe(false);
    },
  );
});
