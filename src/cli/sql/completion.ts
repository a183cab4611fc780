/** What the tabulator key offers in the SQL shell: commands and their words, views, columns, words of SQL. */

/** Those that people type most; columns and views matter more. */
const KEYWORDS = [
  'all',
  'and',
  'as',
  'avg',
  'by',
  'case',
  'count',
  'describe',
  'desc',
  'distinct',
  'filter',
  'from',
  'group',
  'having',
  'in',
  'is',
  'join',
  'left',
  'like',
  'limit',
  'max',
  'median',
  'min',
  'not',
  'null',
  'order',
  'quantile_cont',
  'select',
  'sum',
  'summarize',
  'union',
  'using',
  'where',
  'with',
];

const COMMANDS = ['\\?', '\\d', '\\f', '\\q', '\\r', '\\report', '\\timing'];

export interface CompletionWords {
  readonly views: readonly string[];
  readonly columns: readonly string[];
  readonly reports: readonly string[];
  readonly formats: readonly string[];
}

/** As readline wants it: what the end of the line may become, and that end. */
export function completeLine(line: string, words: CompletionWords): [string[], string] {
  const end = /[\w\\?-]*$/.exec(line)?.[0] ?? '';
  const isFirst = line.trimStart() === end;
  const offered = wordsFor(line.trimStart(), isFirst, words);
  // Without a letter everything fits, which only a command's few words are worth.
  if (end === '' && !line.trimStart().startsWith('\\')) return [[], end];
  const start = end.toLowerCase();
  return [[...new Set(offered)].filter((word) => word.toLowerCase().startsWith(start)).sort(), end];
}

function wordsFor(line: string, isFirst: boolean, words: CompletionWords): readonly string[] {
  if (!line.startsWith('\\')) return [...words.views, ...words.columns, ...KEYWORDS];
  if (isFirst) return COMMANDS;
  const [command] = line.split(/\s/);
  return { '\\d': words.views, '\\report': words.reports, '\\f': words.formats }[command] ?? [];
}
