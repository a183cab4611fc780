/**
 * Blocks -> Markdown (CommonMark, tables as GitHub has them): headings, lists, tables, code, quotes, emphasis, and links
 * where they are asked for. What begins a line and would be read as structure is escaped; within a line the text stays
 * as it is.
 */
import { renderInline, type LinkBase } from './markdown-inline.js';
import type { PageElement, PageTree, TextBlock } from './page-tree.js';
import { isCellText } from './render.js';

export interface MarkdownOptions {
  /** Where links lead from; undefined: links are their texts only. */
  readonly links: LinkBase | undefined;
}

/** Where an element is among quotes and lists. */
interface Place {
  /** What every line of it begins with. */
  readonly prefix: string;
  /** The innermost item of a list that it is in, and the outermost list. */
  readonly item: PageElement | undefined;
  readonly list: PageElement | undefined;
  /** What stands before the text of the item instead of the end of the prefix. */
  readonly marker: string;
  readonly table: PageElement | undefined;
  readonly row: PageElement | undefined;
}

const NOWHERE: Place = {
  prefix: '',
  item: undefined,
  list: undefined,
  marker: '',
  table: undefined,
  row: undefined,
};

const LISTS: ReadonlySet<string> = new Set(['ul', 'ol', 'menu', 'dir']);
/** A line that would begin a heading, a quote, an item or code. */
const STRUCTURE = /^(?:(#{1,6}(?=\s)|>|[-+*](?=\s)|`{3,}|~{3,}|\|)|(\d{1,9})([.)])(?=\s))/;

export function renderMarkdown(
  tree: PageTree,
  blocks: readonly TextBlock[],
  options: MarkdownOptions,
): string {
  return new MarkdownRenderer(tree, options).render(blocks);
}

class MarkdownRenderer {
  private readonly tree: PageTree;
  private readonly options: MarkdownOptions;
  private readonly places = new Map<PageElement, Place>();
  /** Number of each item in its list and of each cell in its row, from 0. */
  private readonly numbers: ReadonlyMap<PageElement, number>;
  private readonly parts: string[] = [];
  private last: { readonly place: Place; readonly isItemPart: boolean } | undefined;

  constructor(tree: PageTree, options: MarkdownOptions) {
    this.tree = tree;
    this.options = options;
    this.numbers = numberChildren(tree.elements);
  }

  render(blocks: readonly TextBlock[]): string {
    for (let index = 0; index < blocks.length;) {
      const end = this.tableEnd(blocks, index);
      if (end > index) {
        this.addTable(blocks.slice(index, end));
        index = end;
      } else {
        this.addBlock(blocks[index]);
        index += 1;
      }
    }
    return this.parts.join('');
  }

  private addBlock(block: TextBlock): void {
    const { element } = block;
    const place = this.placeOf(element);
    const { preformatted } = element;
    if (preformatted !== undefined) {
      this.add(place, block, fence(block.text, preformatted.codeLanguage));
      return;
    }
    const text = this.inline(block);
    if (text === '') return;
    if (element.tag.level > 0) {
      this.add(place, block, `${'#'.repeat(element.tag.level)} ${text.replaceAll('\n', ' ')}`);
    } else {
      this.add(place, block, escapeStart(text).replaceAll('\n', '\\\n'));
    }
  }

  /** Adds lines behind what is there: items of one list follow each other, all else has an empty line between. */
  private add(place: Place, block: TextBlock, text: string): void {
    const startsItem = block.startsItem && place.item !== undefined;
    if (this.last !== undefined) {
      const isTight = startsItem && this.last.isItemPart && this.last.place.list === place.list;
      const between = commonPrefix(this.last.place.prefix, place.prefix).trimEnd();
      this.parts.push(isTight ? '\n' : `\n${between}\n`);
    }
    const { prefix, marker } = place;
    const first = startsItem ? prefix.slice(0, prefix.length - marker.length) + marker : prefix;
    const lines = text.split('\n');
    this.parts.push(lines.map((line, index) => ((index === 0 ? first : prefix) + line).trimEnd()).join('\n'));
    this.last = { place, isItemPart: place.item !== undefined };
  }

  private inline(block: TextBlock): string {
    return renderInline(block.marked, this.tree.links, block.firstLink, this.options.links);
  }

  /** Where a table ends that begins at a block; the block itself where none does. */
  private tableEnd(blocks: readonly TextBlock[], start: number): number {
    const { table } = this.placeOf(blocks[start].element);
    if (table === undefined) return start;
    let end = start;
    let isTable = false;
    let previous: PageElement | undefined;
    for (; end < blocks.length; end++) {
      const { element, text } = blocks[end];
      const place = this.placeOf(element);
      const { cell } = element;
      if (place.table !== table || cell === undefined || place.row === undefined) break;
      if (element.preformatted !== undefined || !isCellText(text)) return start;
      const before = previous === undefined ? undefined : this.placeOf(previous).row;
      if (previous !== undefined && cell !== previous && before === place.row) isTable = true;
      previous = cell;
    }
    return isTable ? end : start;
  }

  private addTable(blocks: readonly TextBlock[]): void {
    const rows = new Map<PageElement, string[]>();
    for (const block of blocks) {
      const { row } = this.placeOf(block.element);
      const column = this.numbers.get(block.element.cell as PageElement) ?? 0;
      const cells = rows.get(row as PageElement) ?? [];
      rows.set(row as PageElement, cells);
      const text = this.inline(block).replaceAll('\n', ' ').replaceAll('|', '\\|');
      cells[column] = cells[column] === undefined ? text : `${cells[column]} ${text}`;
    }
    const width = Math.max(...[...rows.values()].map((cells) => cells.length));
    const lines = [...rows.values()].map(
      (cells) => `| ${Array.from({ length: width }, (_, column) => cells[column] ?? '').join(' | ')} |`,
    );
    lines.splice(1, 0, `|${' --- |'.repeat(width)}`);
    this.add(this.placeOf(blocks[0].element), blocks[0], lines.join('\n'));
  }

  private placeOf(element: PageElement): Place {
    let place = this.places.get(element);
    if (place === undefined) {
      const outer = element.parent === undefined ? NOWHERE : this.placeOf(element.parent);
      place = this.placeIn(element, outer);
      this.places.set(element, place);
    }
    return place;
  }

  private placeIn(element: PageElement, outer: Place): Place {
    const { name } = element.tag;
    if (name === 'blockquote') return { ...outer, prefix: `${outer.prefix}> ` };
    if (LISTS.has(name)) return { ...outer, list: outer.list ?? element };
    if (name === 'li') {
      const isNumbered = element.parent?.tag.name === 'ol';
      const marker = isNumbered ? `${(this.numbers.get(element) ?? 0) + 1}. ` : '- ';
      return { ...outer, item: element, marker, prefix: outer.prefix + ' '.repeat(marker.length) };
    }
    if (name === 'table') return { ...outer, table: element, row: undefined };
    if (name === 'tr') return { ...outer, row: element };
    return outer;
  }
}

/** Numbers of items and cells among those of their parents. */
function numberChildren(elements: readonly PageElement[]): Map<PageElement, number> {
  const numbers = new Map<PageElement, number>();
  const counts = new Map<PageElement, number>();
  for (const element of elements) {
    const { name } = element.tag;
    if ((name !== 'li' && name !== 'td' && name !== 'th') || element.parent === undefined) continue;
    const count = counts.get(element.parent) ?? 0;
    counts.set(element.parent, count + 1);
    numbers.set(element, count);
  }
  return numbers;
}

/** Longer than any run of backticks in the code. */
function fence(code: string, language: string): string {
  const longest = Math.max(0, ...(code.match(/`+/g) ?? []).map((run) => run.length));
  const marks = '`'.repeat(Math.max(3, longest + 1));
  return `${marks}${language}\n${code}\n${marks}`;
}

function escapeStart(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line.replace(STRUCTURE, (match, _mark, digits: string | undefined, end: string) =>
        digits === undefined ? `\\${match}` : `${digits}\\${end}`,
      ),
    )
    .join('\n');
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1;
  return a.slice(0, length);
}
