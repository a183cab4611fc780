/**
 * A page as the extractor sees it: block-level elements, and the blocks of text in them, both in document order.
 * Inline elements are gone; what matters of them (links, line breaks) is in the blocks.
 */

/** One block-level element. An element comes after its parent. */
export interface PageElement {
  readonly tag: string;
  /** Undefined for the root. */
  readonly parent: PageElement | undefined;
  readonly depth: number;
  /** `class` and `id`, lower case. */
  readonly names: string;
  readonly role: string;
  readonly itemprop: string;
  /** Hidden from readers by an attribute, a style or a usual class. */
  readonly isHidden: boolean;
  /** Index of its first block of text. */
  readonly firstBlock: number;
  /** Index behind its last block of text; known once the page is read. */
  endBlock: number;
}

/** A run of text without a block boundary in it. */
export interface TextBlock {
  /** Whitespace collapsed; a line break of the page is a line feed. */
  readonly text: string;
  /** Length in characters, ideographs counted as three: about as much is said by it as by so many letters. */
  readonly size: number;
  /** Share of the text that is in links, 0 to 1. */
  readonly linkShare: number;
  /** The nearest block-level element around it. */
  readonly element: PageElement;
  /** It begins a list item. */
  readonly startsItem: boolean;
}

export interface PageTree {
  readonly root: PageElement;
  readonly elements: readonly PageElement[];
  readonly blocks: readonly TextBlock[];
  readonly metadata: PageMetadata;
}

/** What a page says of itself outside its text. */
export interface PageMetadata {
  readonly title: string | null;
  readonly language: string | null;
  readonly date: string | null;
}

/** The nearest element around and including `element` that passes the test. */
export function closest(
  element: PageElement,
  test: (candidate: PageElement) => boolean,
): PageElement | undefined {
  let candidate: PageElement | undefined = element;
  while (candidate !== undefined && !test(candidate)) candidate = candidate.parent;
  return candidate;
}

/** Level of a heading, 1 to 6; 0 for any other element. */
export function headingLevel(element: PageElement): number {
  const { tag } = element;
  return tag.length === 2 && tag[0] === 'h' && tag >= 'h1' && tag <= 'h6' ? Number(tag[1]) : 0;
}

/** Text that reads as part of a paragraph rather than of a menu: long enough, and not mostly links. */
export const PARAGRAPH_SIZE = 60;
export const PARAGRAPH_LINK_SHARE = 0.4;

export function isParagraph(block: TextBlock): boolean {
  return block.size >= PARAGRAPH_SIZE && block.linkShare < PARAGRAPH_LINK_SHARE;
}

/** Sum of a measure over the blocks of any element, in constant time each. */
export function sumOver(
  blocks: readonly TextBlock[],
  measure: (block: TextBlock, index: number) => number,
): (element: PageElement) => number {
  const sums = new Float64Array(blocks.length + 1);
  blocks.forEach((block, index) => {
    sums[index + 1] = sums[index] + measure(block, index);
  });
  return ({ firstBlock, endBlock }) => sums[endBlock] - sums[firstBlock];
}
