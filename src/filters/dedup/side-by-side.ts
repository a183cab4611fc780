/** Two texts beside each other, sentence by sentence, with what differs marked. */
import { segmentsOf } from './segments.js';

/** Sentences of either text that are compared one by one; what lies beyond is shown as different. */
const MAX_COMPARED = 2000;

export interface DiffRow {
  /** `same`: in both. `changed`: one in the place of the other. `left`, `right`: in one only. */
  readonly kind: 'same' | 'changed' | 'left' | 'right';
  readonly left: string;
  readonly right: string;
}

/** The rows of the comparison, by a longest common subsequence of sentences. */
export function diffTexts(left: string, right: string): DiffRow[] {
  const [a, b] = [sentences(left), sentences(right)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (
    end < a.length - start &&
    end < b.length - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  ) {
    end += 1;
  }
  const same = (texts: readonly string[]): DiffRow[] =>
    texts.map((text) => ({ kind: 'same', left: text, right: text }));
  return [
    ...same(a.slice(0, start)),
    ...diffMiddle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end)),
  ];
}

function sentences(text: string): string[] {
  return segmentsOf(text, 'sentence').map(({ start, end }) => text.slice(start, end).trim());
}

function diffMiddle(a: readonly string[], b: readonly string[]): DiffRow[] {
  const [n, m] = [Math.min(a.length, MAX_COMPARED), Math.min(b.length, MAX_COMPARED)];
  // lengths[i][j]: longest common subsequence of a from i on and b from j on.
  const lengths = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      lengths[i][j] =
        a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const rows: DiffRow[] = [];
  let [i, j] = [0, 0];
  let [onlyA, onlyB]: string[][] = [[], []];
  const flush = (): void => {
    for (let k = 0; k < Math.max(onlyA.length, onlyB.length); k++) {
      const kind = k >= onlyB.length ? 'left' : k >= onlyA.length ? 'right' : 'changed';
      rows.push({ kind, left: onlyA[k] ?? '', right: onlyB[k] ?? '' });
    }
    [onlyA, onlyB] = [[], []];
  };
  while (i < n || j < m) {
    if (i < n && j < m && a[i] === b[j]) {
      flush();
      rows.push({ kind: 'same', left: a[i], right: b[j] });
      i += 1;
      j += 1;
    } else if (j >= m || (i < n && lengths[i + 1][j] >= lengths[i][j + 1])) onlyA.push(a[i++]);
    else onlyB.push(b[j++]);
  }
  onlyA.push(...a.slice(n));
  onlyB.push(...b.slice(m));
  flush();
  return rows;
}

const MARKS = { same: ' ', changed: '|', left: '<', right: '>' } as const;

/**
 * The rows as two columns of text with a mark between them: ` ` same, `|` changed, `<` `>` in one only.
 * @param width columns of the terminal
 */
export function renderDiff(rows: readonly DiffRow[], width: number): string {
  const column = Math.max(10, Math.floor((width - 3) / 2));
  const lines: string[] = [];
  for (const { kind, left, right } of rows) {
    const [a, b] = [wrap(left, column), wrap(right, column)];
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      lines.push(`${(a[i] ?? '').padEnd(column)} ${MARKS[kind]} ${b[i] ?? ''}`.trimEnd());
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Words in lines of at most `width` characters; a longer word is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width));
  }
  if (line !== '') lines.push(line);
  return lines;
}
