/**
 * Which elements of a page are not part of its text whatever the text is: navigation, footers, comments, hidden
 * parts, and what their names say.
 *
 * Names lie now and then, and some pages wrap everything in a form or a `sidebar-layout`. So an element that holds a
 * large share of the page's paragraphs is never pruned; how large depends on how sure the sign is.
 */
import { HINT } from './names.js';
import { isParagraph, sumOver, type PageElement, type PageTree } from './page-tree.js';

/** Share of the page's paragraphs above which an element is kept against the sign. */
const SHARE = { comments: 0.8, boilerplate: 0.6, doubtful: 0.35, tag: 0.35, hidden: 0.35 } as const;
/** A doubtful element is pruned if this much of it is links, or if it holds hardly any text. */
const DOUBTFUL_LINK_SHARE = 0.25;
const DOUBTFUL_SIZE = 80;
/** Paragraphs that an element of text must hold to protect the elements around it. */
const TEXT_SIZE = 100;

const PRUNED_TAGS: ReadonlySet<string> = new Set(
  'footer aside form address legend fieldset option optgroup figcaption'.split(' '),
);
const PRUNED_ROLES: ReadonlySet<string> = new Set(
  'navigation complementary contentinfo search banner dialog alert'.split(' '),
);
const SUSPECT = HINT.comments | HINT.boilerplate | HINT.doubtful;
/** What a figure shows besides pictures. */
const FIGURE_TEXT: ReadonlySet<string> = new Set(['table', 'pre', 'blockquote']);

/** Marks what is not part of the text, in the elements themselves. Returns those that are marked as the text of an article. */
export function prune(tree: PageTree): PageElement[] {
  const { elements, blocks, root } = tree;
  const sizeOf = sumOver(blocks, ({ size }) => size);
  const linksOf = sumOver(blocks, ({ size, linkShare }) => size * linkShare);
  const paragraphsOf = sumOver(blocks, (block) => (isParagraph(block) ? block.size : 0));
  const all = paragraphsOf(root);

  const aroundText = new Set<PageElement>();
  const textFigures = new Set<PageElement>();
  for (const element of elements) {
    if (isText(element) && paragraphsOf(element) > TEXT_SIZE) addWithParents(element, aroundText);
    if (element.figure !== undefined && FIGURE_TEXT.has(element.tag.name)) textFigures.add(element.figure);
  }

  /** The share of the page's paragraphs that the element would have to hold to be kept; 0 if nothing is against it. */
  const keepShare = (element: PageElement): number => {
    const { tag, hints } = element;
    if (element.isHidden) return SHARE.hidden;
    if (PRUNED_TAGS.has(tag.name) || (tag.name === 'figure' && !textFigures.has(element))) return SHARE.tag;
    if (element.role !== '' && PRUNED_ROLES.has(element.role)) return SHARE.tag;
    // The id of a heading is made of its words.
    if ((hints & SUSPECT) === 0 || tag.level > 0 || aroundText.has(element)) return 0;
    if ((hints & HINT.comments) !== 0) return SHARE.comments;
    if ((hints & HINT.boilerplate) !== 0) return SHARE.boilerplate;
    const size = sizeOf(element);
    return size < DOUBTFUL_SIZE || linksOf(element) > DOUBTFUL_LINK_SHARE * size ? SHARE.doubtful : 0;
  };

  for (const element of elements) {
    const { parent } = element;
    if (parent === undefined) continue;
    if (parent.isPruned) {
      element.isPruned = true;
      element.isUnseen = parent.isUnseen || element.isHidden;
      continue;
    }
    const share = keepShare(element);
    element.isPruned = share > 0 && paragraphsOf(element) <= share * all;
    element.isUnseen = element.isPruned && element.isHidden;
  }
  return elements.filter((element) => !element.isPruned && isText(element));
}

function isText(element: PageElement): boolean {
  return element.isArticleBody || (element.hints & HINT.text) !== 0;
}

function addWithParents(element: PageElement, set: Set<PageElement>): void {
  let parent: PageElement | undefined = element;
  while (parent !== undefined && !set.has(parent)) {
    set.add(parent);
    parent = parent.parent;
  }
}
