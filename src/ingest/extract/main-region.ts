/**
 * Where on the page its main text is: an element, and a lead that stands before it.
 *
 * The element is the smallest one that holds nearly all paragraphs, found by going down from the root as long as one
 * child does. Where elements are marked as the text of an article and hold a good part of the page's paragraphs, only
 * those count: one such element is the region, and of several (the posts of a thread) what is around them.
 */
import {
  closest,
  isParagraph,
  sumOver,
  type PageElement,
  type PageTree,
  type TextBlock,
} from './page-tree.js';

/** Share of the paragraphs of an element that one child must hold for the search to go on in it. */
const MOST = 0.85;
/** Share of the page's paragraphs that elements marked as text must hold to be believed. */
const MARKED_SHARE = 0.3;
/** A lead is a paragraph between headline and text. */
const LEAD_SIZE = 70;
const LEAD_LINK_SHARE = 0.2;

export interface MainRegion {
  readonly element: PageElement;
  readonly lead: readonly TextBlock[];
}

/** @param texts elements that are marked as the text of an article */
export function findMainRegion(tree: PageTree, texts: readonly PageElement[]): MainRegion {
  const paragraphsOf = sumOver(tree.blocks, (block) =>
    isParagraph(block) && !block.element.isPruned ? block.size : 0,
  );
  const isInText = new Uint8Array(tree.blocks.length);
  for (const { firstBlock, endBlock } of outermost(texts)) isInText.fill(1, firstBlock, endBlock);
  const markedOf = sumOver(tree.blocks, (block, index) =>
    isInText[index] === 1 && isParagraph(block) && !block.element.isPruned ? block.size : 0,
  );
  const isMarked = markedOf(tree.root) > MARKED_SHARE * paragraphsOf(tree.root);
  const element = descend(tree, isMarked ? markedOf : paragraphsOf, new Set(isMarked ? texts : []));
  return { element, lead: findLead(tree, element) };
}

/** Without elements in others of the list; it is in document order. */
function* outermost(elements: readonly PageElement[]): Generator<PageElement> {
  let end = 0;
  for (const element of elements) {
    if (element.endBlock <= end) continue;
    end = element.endBlock;
    yield element;
  }
}

/** The smallest element that holds most of the measure at each step down to it; not in one of `targets`. */
function descend(
  tree: PageTree,
  measure: (element: PageElement) => number,
  targets: ReadonlySet<PageElement>,
): PageElement {
  let element = tree.root;
  // Elements are in document order, so those in the current one that follow are all still to come.
  for (const candidate of tree.elements) {
    const isInside =
      candidate.depth > element.depth &&
      candidate.firstBlock >= element.firstBlock &&
      candidate.endBlock <= element.endBlock;
    if (!isInside || candidate.tag.name === 'p' || candidate.isPruned) continue;
    const size = measure(candidate);
    if (size === 0 || size < MOST * measure(element)) continue;
    element = candidate;
    if (targets.has(element)) break;
  }
  return element;
}

/**
 * What stands before the text: its headline, where the page has that for its title too, and paragraphs between the
 * headline, or the beginning of the article that the text is in, and the text.
 */
function findLead(tree: PageTree, element: PageElement): TextBlock[] {
  const end = element.firstBlock;
  const headline = tree.elements.findLast(
    (candidate) =>
      candidate.tag.level === 1 && candidate.endBlock <= end && candidate.endBlock > candidate.firstBlock,
  );
  const article = closest(
    element,
    ({ tag, role }) => tag.name === 'article' || tag.name === 'main' || role === 'article' || role === 'main',
  );
  if (headline === undefined && article === undefined) return [];
  const start = Math.max(headline?.endBlock ?? 0, article?.firstBlock ?? 0);
  const lead = tree.blocks
    .slice(start, end)
    .filter(
      (block) => block.size >= LEAD_SIZE && block.linkShare < LEAD_LINK_SHARE && !block.element.isPruned,
    );
  return headline !== undefined && isTitle(tree, headline)
    ? [...tree.blocks.slice(headline.firstBlock, headline.endBlock), ...lead]
    : lead;
}

/** Whether a headline is that of the text: on many pages the name of the site is one too. */
function isTitle({ blocks, metadata }: PageTree, { firstBlock, endBlock, isPruned }: PageElement): boolean {
  if (isPruned || endBlock !== firstBlock + 1 || metadata.title === null) return false;
  const headline = blocks[firstBlock].text.replace(/\s+/g, ' ').toLowerCase();
  const title = metadata.title.toLowerCase();
  return title.startsWith(headline) || headline.startsWith(title);
}
