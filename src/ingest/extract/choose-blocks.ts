/** Which blocks of the main region belong to the text: not lists of links, not lines that announce something else. */
import { CONTEXT, isParagraph, type PageElement, type PageTree, type TextBlock } from './page-tree.js';
import { isBoilerplatePhrase } from './phrases.js';

/** A block of which more is in links is a way to somewhere else. */
const LINK_SHARE = 0.6;
/** A line below this may be a heading of something, or scattered bits around the text. */
const SHORT_SIZE = 60;
const SCRAP_SIZE = 40;

const SENTENCE_END = /[.!?…。！？"”»]$/;

/** Blocks of an element that are text, in order. @param isLeftOut elements whose blocks are none */
export function chooseBlocks(
  tree: PageTree,
  element: PageElement,
  isLeftOut: (element: PageElement) => boolean,
): TextBlock[] {
  const blocks = tree.blocks.slice(element.firstBlock, element.endBlock);
  const keep = blocks.map(
    (block) =>
      !isLeftOut(block.element) &&
      block.linkShare < LINK_SHARE &&
      (isIn(block, CONTEXT.data) || !isBoilerplatePhrase(block.text)),
  );
  dropEmptyHeadings(blocks, keep);
  dropScraps(blocks, keep);
  return blocks.filter((_, index) => keep[index]);
}

/** Headings, and short lines that work as such, of which the text under them is gone. */
function dropEmptyHeadings(blocks: readonly TextBlock[], keep: boolean[]): void {
  /** Whether text follows before the next heading of this level or above. */
  const hasText = Array.from({ length: 7 }, () => false);
  for (let index = blocks.length - 1; index >= 0; index--) {
    const block = blocks[index];
    const level = block.element.tag.level;
    if (keep[index] && isEmptyHeading(block, level, hasText, blocks[index + 1], keep[index + 1] ?? false)) {
      keep[index] = false;
    }
    if (level > 0) hasText.fill(false, level);
    else if (keep[index]) hasText.fill(true);
  }
}

function isEmptyHeading(
  block: TextBlock,
  level: number,
  hasText: readonly boolean[],
  next: TextBlock | undefined,
  isNextKept: boolean,
): boolean {
  if (level > 0 && !hasText[level]) return true;
  if (block.size >= SHORT_SIZE || isNextKept || next === undefined) return false;
  if (level === 0 && block.text.endsWith(':')) return true;
  return next.linkShare >= LINK_SHARE && (level > 0 || !isIn(block, CONTEXT.listed));
}

/** Short bits without the end of a sentence before the first and behind the last paragraph: dates, names, sections. */
function dropScraps(blocks: readonly TextBlock[], keep: boolean[]): void {
  const isAnchor = (block: TextBlock, index: number): boolean =>
    keep[index] && (isParagraph(block) || isIn(block, CONTEXT.listed));
  const first = blocks.findIndex(isAnchor);
  const last = blocks.findLastIndex(isAnchor);
  if (first === -1) return;
  blocks.forEach((block, index) => {
    const isOutside = index < first || index > last;
    const isScrap =
      block.size < SCRAP_SIZE && block.element.tag.level === 0 && !SENTENCE_END.test(block.text);
    if (isOutside && isScrap) keep[index] = false;
  });
}

function isIn({ element }: TextBlock, context: number): boolean {
  return (element.context & context) !== 0;
}
