/**
 * Where on the page its main text is: an element, and a lead that stands before it.
 *
 * The element is one that is marked as the text of an article and holds a good part of the page's paragraphs, else
 * the smallest one that holds nearly all of them, found by going down from the root as long as one child does.
 */
import {
  closest,
  headingLevel,
  isParagraph,
  sumOver,
  type PageElement,
  type PageTree,
  type TextBlock,
} from './page-tree.js';
import type { Pruned } from './prune.js';

/** Share of the paragraphs of an element that one child must hold for the search to go on in it. */
const MOST = 0.85;
/** Share of the page's paragraphs that an element marked as text must hold to be believed. */
const MARKED_SHARE = 0.3;
/** A lead is a paragraph between headline and text. */
const LEAD_SIZE = 70;
const LEAD_LINK_SHARE = 0.2;

export interface MainRegion {
  readonly element: PageElement;
  readonly lead: readonly TextBlock[];
}

export function findMainRegion(tree: PageTree, { pruned, texts }: Pruned): MainRegion {
  const paragraphsOf = sumOver(tree.blocks, (block) =>
    isParagraph(block) && !pruned.has(block.element) ? block.size : 0,
  );
  const marked = largest(texts, paragraphsOf);
  const isMarked = marked !== undefined && paragraphsOf(marked) > MARKED_SHARE * paragraphsOf(tree.root);
  const element = isMarked ? marked : descend(tree, pruned, paragraphsOf);
  return { element, lead: findLead(tree, element, pruned) };
}

/** The element with the largest sum; of equals the first, which is the outermost. */
function largest(
  elements: readonly PageElement[],
  measure: (element: PageElement) => number,
): PageElement | undefined {
  let best: PageElement | undefined;
  for (const element of elements) if (best === undefined || measure(element) > measure(best)) best = element;
  return best;
}

function descend(
  tree: PageTree,
  pruned: ReadonlySet<PageElement>,
  paragraphsOf: (element: PageElement) => number,
): PageElement {
  let element = tree.root;
  // Elements are in document order, so those in the current one that follow are all still to come.
  for (const candidate of tree.elements) {
    const isInside =
      candidate.depth > element.depth &&
      candidate.firstBlock >= element.firstBlock &&
      candidate.endBlock <= element.endBlock;
    if (!isInside || candidate.tag === 'p' || pruned.has(candidate)) continue;
    const size = paragraphsOf(candidate);
    if (size > 0 && size >= MOST * paragraphsOf(element)) element = candidate;
  }
  return element;
}

/** Paragraphs before the text, from the headline on, or from the beginning of the article that the text is in. */
function findLead(tree: PageTree, element: PageElement, pruned: ReadonlySet<PageElement>): TextBlock[] {
  const end = element.firstBlock;
  const headline = tree.elements.findLast(
    (candidate) =>
      headingLevel(candidate) === 1 && candidate.endBlock <= end && candidate.endBlock > candidate.firstBlock,
  );
  const article = closest(
    element,
    ({ tag, role }) => tag === 'article' || tag === 'main' || role === 'article' || role === 'main',
  );
  if (headline === undefined && article === undefined) return [];
  const start = Math.max(headline?.endBlock ?? 0, article?.firstBlock ?? 0);
  return tree.blocks
    .slice(start, end)
    .filter(
      (block) => block.size >= LEAD_SIZE && block.linkShare < LEAD_LINK_SHARE && !pruned.has(block.element),
    );
}
