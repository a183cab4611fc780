/**
 * Blocks -> plain text: a block a line (line breaks inside of it stay), list items with `- `, the cells of a table row on
 * one line with ` | ` between them.
 */
import type { PageElement, TextBlock } from './page-tree.js';

const ITEM = '- ';
const CELL = ' | ';
/** A cell above this is layout, not data: it gets lines of its own. */
const MAX_CELL_CHARS = 200;

export function renderBlocks(blocks: readonly TextBlock[]): string {
  const parts: string[] = [];
  let previous: PageElement | undefined;
  for (const block of blocks) {
    const cell = isCellText(block.text) ? block.element.cell : undefined;
    const isSameRow =
      cell !== undefined && previous !== undefined && cell !== previous && cell.parent === previous.parent;
    if (parts.length > 0) parts.push(isSameRow ? CELL : '\n');
    parts.push(block.startsItem && !isSameRow ? ITEM + block.text : block.text);
    previous = cell;
  }
  return parts.join('');
}

/** Whether a text fits into one cell of a table that is read as lines. */
export function isCellText(text: string): boolean {
  return text.length <= MAX_CELL_CHARS && !text.includes('\n');
}
