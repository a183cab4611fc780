/** `tokenmill show`: one document with where it came from, its text, or the bytes of its record fetched again. */
import { Command } from 'commander';
import { TokenmillError } from '../../core/errors.js';
import { readRecordAt } from '../../ingest/formats/record-at.js';
import { withWorkspace, write } from '../context.js';
import { withViews } from '../views.js';

export function showCommand(): Command {
  const command = new Command('show')
    .description(
      'Shows a document of the workspace by its id: its row, its text, or the record that it came from.',
    )
    .argument(
      '<document-id>',
      'as in documents.document_id; the first digits are enough where they are unique',
    )
    .option('--text', 'print only the text (of a kept document)')
    .option('--record', "print the record's bytes, read again from the source")
    .addHelpText('after', '\nExamples:\n  tokenmill show 3f2a\n  tokenmill show 3f2a --record | less');
  return withWorkspace(command).action(run);
}

async function run(
  id: string,
  flags: { text?: boolean; record?: boolean; workspace?: string },
): Promise<void> {
  const row = await findDocument(id, flags);
  if (flags.record === true) {
    const place = {
      space: row['space'] as 'file' | 'content',
      offset: Number(row['offset']),
      length: Number(row['length']),
    };
    await write(await readRecordAt(row['location'] as string, place));
  } else if (flags.text === true) {
    if (row['text'] === null) {
      throw new TokenmillError(
        'DOCUMENT_NOT_FOUND',
        `document ${id} was dropped (${String(row['reason'])}); its text is not kept`,
        {
          hint: 'see its record with --record',
        },
      );
    }
    await write(`${row['text'] as string}\n`);
  } else {
    await write(
      `${JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value), 2)}\n`,
    );
  }
}

async function findDocument(id: string, flags: { workspace?: string }): Promise<Record<string, unknown>> {
  if (!/^[0-9a-f]{1,32}$/.test(id)) {
    throw new TokenmillError('USAGE', `${id} is not the beginning of a document id (hexadecimal digits)`);
  }
  const rows = await withViews(flags, async (connection) => {
    const found = await connection.runAndReadAll(
      `SELECT d.*, s.location FROM documents d JOIN sources s USING (dataset, source)
       WHERE starts_with(document_id, $1) ORDER BY dataset, ordinal LIMIT 2`,
      [id],
    );
    return found.getRowObjects();
  });
  if (rows.length === 1) return rows[0];
  if (rows.length === 0) {
    throw new TokenmillError('DOCUMENT_NOT_FOUND', `no document's id begins with ${id}`, {
      hint: 'list them with: tokenmill query "select document_id, url from documents"',
    });
  }
  throw new TokenmillError('DOCUMENT_NOT_FOUND', `several documents' ids begin with ${id}`, {
    hint: 'give more digits',
  });
}
