/** The texts of inputs, one a document, for commands that need texts and nothing else. */
import { stderrLog } from '../core/log.js';
import { cutRecords } from './formats/cut.js';
import { detectFormat } from './formats/detect.js';
import { parseRecord } from './formats/parse.js';
import { expandInputs } from './sources/expand.js';

export interface NamedText {
  /** The document's own id where it has one, else where it is: `file` for a file that is one text, else `file:offset`. */
  readonly id: string;
  readonly text: string;
  readonly url: string | null;
  readonly payloadDigest?: string;
}

/** Reads inputs as ingest does; what is no document is left out, what is bad is reported on stderr. */
export async function* readNamedTexts(inputs: readonly string[]): AsyncGenerator<NamedText> {
  const { sources } = await expandInputs([...inputs]);
  for (const source of sources) {
    const format = await detectFormat(source);
    for await (const record of cutRecords(source, { format })) {
      const parsed = record.kind === 'bad' ? record : parseRecord(format, record.bytes);
      if (parsed.kind === 'bad')
        stderrLog(`${source.name}, byte ${record.offset}: ${parsed.reason}: ${parsed.detail}`);
      if (parsed.kind !== 'document') continue;
      const whole = format === 'text' || format === 'html';
      const { text, url, payloadDigest } = parsed;
      const id = parsed.id ?? (whole ? source.name : `${source.name}:${record.offset}`);
      yield { id, text, url, payloadDigest };
    }
  }
}

export async function* readTexts(inputs: readonly string[]): AsyncGenerator<string> {
  for await (const { text } of readNamedTexts(inputs)) yield text;
}
