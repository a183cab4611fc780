/**
 * A page as the extractor sees it: block-level elements, and the blocks of text in them, both in document order.
 * Inline elements are gone; what matters of them (links, line breaks) is in the blocks.
 */
import type { PageMetadata } from './metadata.js';
import type { Tag } from './tags.js';
import type { TextArena } from './text-arena.js';

/** What is around an element, or is the element itself; inherited, so that nobody has to go up for it. */
export const CONTEXT = {
  /** In a cell of a table, or preformatted: short lines are data there. */
  data: 1,
  /** In an item of a list, a cell, or preformatted. */
  listed: 2,
} as const;

/** One block-level element. An element comes after its parent. */
export class PageElement {
  readonly tag: Tag;
  /** Undefined for the root. */
  readonly parent: PageElement | undefined;
  readonly depth: number;
  /** What its `class` and `id` say: bits of HINT. */
  readonly hints: number;
  readonly role: string;
  /** It is marked as the text of an article (schema.org). */
  readonly isArticleBody: boolean;
  /** Hidden from readers by an attribute, a style or a usual class. */
  readonly isHidden: boolean;
  /** Bits of CONTEXT. */
  readonly context: number;
  /** The nearest cell of a table, preformatted element and figure around it, itself included. */
  readonly cell: PageElement | undefined;
  readonly preformatted: PageElement | undefined;
  readonly figure: PageElement | undefined;
  /** Index of its first block of text. */
  readonly firstBlock: number;
  /** Index behind its last block of text; known once the page is read. */
  endBlock: number;
  /** Of preformatted code, as its author names it; empty where nobody does. */
  codeLanguage = '';
  /** Not part of the text. */
  isPruned = false;
  /** In an element that readers do not see. */
  isUnseen = false;

  constructor(
    tag: Tag,
    parent: PageElement | undefined,
    firstBlock: number,
    names: { hints: number; role: string; isArticleBody: boolean; isHidden: boolean },
  ) {
    this.tag = tag;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.hints = names.hints;
    this.role = names.role;
    this.isArticleBody = names.isArticleBody;
    this.isHidden = names.isHidden;
    const { name } = tag;
    const isCell = name === 'td' || name === 'th';
    const isItem = name === 'li' || name === 'dt' || name === 'dd';
    this.context =
      (parent?.context ?? 0) |
      (isCell || tag.isPreformatted ? CONTEXT.data : 0) |
      (isCell || isItem || tag.isPreformatted ? CONTEXT.listed : 0);
    this.cell = isCell ? this : parent?.cell;
    this.preformatted = tag.isPreformatted ? this : parent?.preformatted;
    this.figure = name === 'figure' ? this : parent?.figure;
    this.firstBlock = firstBlock;
    this.endBlock = firstBlock;
  }
}

/** A run of text without a block boundary in it. */
export class TextBlock {
  /** Length in characters, ideographs counted as three: about as much is said by it as by so many letters. */
  readonly size: number;
  /** Share of the text that is in links, 0 to 1. */
  readonly linkShare: number;
  /** The nearest block-level element around it. */
  readonly element: PageElement;
  /** It begins a list item. */
  readonly startsItem: boolean;
  /** Index of its first link that is marked. */
  readonly firstLink: number;
  private readonly arena: TextArena;
  private readonly start: number;
  private readonly end: number;
  private decoded: string | undefined;

  constructor(
    arena: TextArena,
    place: { start: number; end: number; size: number },
    element: PageElement,
    linkShare: number,
    startsItem: boolean,
    firstLink: number,
  ) {
    this.arena = arena;
    this.start = place.start;
    this.end = place.end;
    this.size = place.size;
    this.element = element;
    this.linkShare = linkShare;
    this.startsItem = startsItem;
    this.firstLink = firstLink;
  }

  /** Whitespace collapsed, where it is not preformatted; a line break of the page is a line feed. */
  get text(): string {
    this.decoded ??= this.arena.textOf(this.start, this.end, this.element.preformatted !== undefined);
    return this.decoded;
  }

  /** The text with the marks of what runs within its lines, where the tree was built with them. */
  get marked(): string {
    return this.arena.markedOf(this.start, this.end, this.element.preformatted !== undefined);
  }
}

export interface PageTree {
  readonly root: PageElement;
  readonly elements: readonly PageElement[];
  readonly blocks: readonly TextBlock[];
  readonly metadata: PageMetadata;
  /** Addresses of the links that are marked, in order. */
  readonly links: readonly string[];
  /** Elements that were looked at to open and close others: what linear time is checked by. */
  readonly steps: number;
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
  for (let index = 0; index < blocks.length; index++) {
    sums[index + 1] = sums[index] + measure(blocks[index], index);
  }
  return ({ firstBlock, endBlock }) => sums[endBlock] - sums[firstBlock];
}
