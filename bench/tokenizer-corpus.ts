/**
 * Corpora for the tokenizer's benchmark, from what an installed Debian and this package's own dependencies have. The same
 * files give the same bytes: paths are sorted, repeated and very long lines are left out, and the text is cut at a size. The SHA-256
 * that the benchmark prints says which corpus it was.
 *
 * `documentation`: manual pages without their markup, and text and HTML below /usr/share/doc, as plain text: English.
 * `mixed`: half source code (TypeScript and JavaScript of the dependencies, Python of the system), half messages of
 * programs in fifteen languages (gettext catalogues below /usr/share/locale).
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const DEPENDENCIES = fileURLToPath(new URL('../node_modules', import.meta.url));
const LANGUAGES = 'ru zh_CN ja ko de fr es uk el vi ar hi th he tr'.split(' ');

/** Larger files are data, or generated. */
const MAX_FILE_BYTES = 2_000_000;

/** Longer lines are generated, and left out: those who divide a corpus into documents at line ends rely on it. */
const MAX_LINE_CHARACTERS = 10_000;

/** Lines shorter than this may repeat: they are blank, or braces. */
const REPEATABLE_BYTES = 12;

/** Paths below a folder whose names fit, sorted; none where there is no such folder. */
function filesBelow(folder: string, names: RegExp): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && names.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size <= MAX_FILE_BYTES)
    .sort();
}

function readText(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

function manualPage(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/^['.]/.test(line) || /^\.(?:SH|SS|B|I|BR) /.test(line))
    .map((line) =>
      line
        .replace(/^\.\w+ /, '')
        .replaceAll(/\\f(?:\[\w*\]|.)|\\&/g, '')
        .replaceAll('\\-', '-'),
    )
    .join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', nbsp: ' ' };

function plainText(html: string): string {
  return html
    .replaceAll(/<(script|style)\b.*?<\/\1>|<[^>]*>/gs, '')
    .replaceAll(/&(\w+);/g, (entity, name: string) => ENTITIES[name] ?? entity)
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll(/\n\s+\n/g, '\n\n');
}

/** Translations of a gettext catalogue (little-endian, revision 0), or nothing where it is not UTF-8. */
function messages(path: string): string {
  const bytes = readFileSync(path);
  if (bytes.length < 28 || bytes.readUInt32LE(0) !== 0x950412de) return '';
  const table = bytes.readUInt32LE(16);
  const texts = Array.from({ length: bytes.readUInt32LE(8) }, (_, index) => {
    const start = bytes.readUInt32LE(table + 8 * index + 4);
    return bytes
      .toString('utf8', start, start + bytes.readUInt32LE(table + 8 * index))
      .replaceAll('\0', '\n');
  });
  return /charset=utf-8/i.test(texts[0] ?? '') ? texts.slice(1).join('\n') : '';
}

/** Texts end to end without lines that were there before, up to a size in bytes. */
function collect(texts: Iterable<string>, size: number): string[] {
  const seen = new Set<string>();
  const parts: string[] = [];
  let total = 0;
  for (const text of texts) {
    const lines = text.split('\n').filter((line) => {
      if (line.length < REPEATABLE_BYTES) return true;
      if (line.length > MAX_LINE_CHARACTERS || seen.has(line)) return false;
      seen.add(line);
      return true;
    });
    const part = `${lines.join('\n')}\n`;
    parts.push(part);
    total += Buffer.byteLength(part);
    if (total >= size) break;
  }
  return parts;
}

/** The first whole lines of at most `size` bytes. */
function cut(texts: readonly string[], size: number): Buffer {
  const bytes = Buffer.from(texts.join(''));
  return bytes.subarray(0, bytes.lastIndexOf('\n', Math.min(size, bytes.length) - 1) + 1);
}

function* map(paths: readonly string[], read: (path: string) => string): Generator<string> {
  for (const path of paths) yield read(path);
}

function* documentation(): Generator<string> {
  yield* map(filesBelow('/usr/share/doc', /\.html$/), (path) => plainText(readText(path)));
  yield* map(filesBelow('/usr/share/man/man1', /\.gz$/), (path) => manualPage(readText(path)));
  yield* map(filesBelow('/usr/share/doc', /\.(?:txt|md|rst)(?:\.gz)?$|^README/), readText);
  for (const section of [2, 3, 5, 7, 8]) {
    yield* map(filesBelow(`/usr/share/man/man${section}`, /\.gz$/), (path) => manualPage(readText(path)));
  }
}

/** English documentation of about `size` bytes, or what the machine has. */
export function documentationCorpus(size: number): Buffer {
  return cut(collect(documentation(), size), size);
}

/** Source code and fifteen languages, of about `size` bytes, or what the machine has. */
export function mixedCorpus(size: number): Buffer {
  const typescript = collect(map(filesBelow(DEPENDENCIES, /(?<!\.min)\.[mc]?[jt]s$/), readText), size / 4);
  const python = collect(map(filesBelow('/usr/lib/python3', /\.py$/), readText), size / 4);
  const languages = LANGUAGES.map((language) =>
    collect(map(filesBelow(`/usr/share/locale/${language}`, /\.mo$/), messages), size / 2 / LANGUAGES.length),
  );
  return cut([typescript, python, ...languages].flat(), size);
}
