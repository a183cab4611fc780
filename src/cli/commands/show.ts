/** `tokenmill show`: one document with where it came from, its text, or the bytes of its record fetched again. */
import { Command } from 'commander';
import { TokenmillError } from '../../core/errors.js';
import { layoutFields } from '../../ingest/plan.js';
import { readRecordAt } from '../../ingest/formats/record-at.js';
import type { Space } from '../../ingest/records.js';
import { openDatabase } from '../../store/database.js';
import { DatasetIndexes } from '../../store/dataset-index.js';
import { findDocument, type FoundDocument } from '../../store/documents.js';
import type { Workspace } from '../../store/workspace.js';
import { openWorkspace, withWorkspace, write } from '../context.js';

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
  const { dataset, row, source } = await find(id, openWorkspace(flags));
  if (flags.record === true) {
    const place = {
      space: row['space'] as Space,
      offset: Number(row['offset']),
      length: Number(row['length']),
    };
    await write(await readRecordAt(source.location, place, layoutFields(source)));
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
    await write(`${JSON.stringify({ dataset, ...row, location: source.location }, null, 2)}\n`);
  }
}

async function find(id: string, workspace: Workspace): Promise<FoundDocument> {
  const indexes = new DatasetIndexes(workspace);
  const names = await workspace.listDatasets();
  const database = await openDatabase();
  try {
    return await findDocument(
      database.connection,
      await Promise.all(names.map((name) => indexes.get(name))),
      id,
    );
  } finally {
    database.close();
  }
}
