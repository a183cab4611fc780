/**
 * Which elements of a page are not part of its text whatever the text is: navigation, footers, comments, hidden
 * parts, and what their names say.
 *
 * Names lie now and then, and some pages wrap everything in a form or a `sidebar-layout`. So an element that holds a
 * large share of the page's paragraphs is never pruned; how large depends on how sure the sign is.
 */
import { NameReader } from './names.js';
import { closest, headingLevel, isParagraph, sumOver, type PageElement, type PageTree } from './page-tree.js';

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
/** What a figure shows besides pictures. */
const FIGURE_TEXT: ReadonlySet<string> = new Set(['table', 'pre', 'blockquote']);

export interface Pruned {
  readonly pruned: ReadonlySet<PageElement>;
  /** Those of them that readers do not see. */
  readonly hidden: ReadonlySet<PageElement>;
  /** Elements that are marked as the text of an article, and are not pruned. */
  readonly texts: readonly PageElement[];
}

export function prune(tree: PageTree): Pruned {
  const { elements, blocks, root } = tree;
  const names = new NameReader();
  const sizeOf = sumOver(blocks, ({ size }) => size);
  const linksOf = sumOver(blocks, ({ size, linkShare }) => size * linkShare);
  const paragraphsOf = sumOver(blocks, (block) => (isParagraph(block) ? block.size : 0));
  const all = paragraphsOf(root);
  const isText = (element: PageElement): boolean =>
    element.itemprop.toLowerCase().includes('articlebody') ||
    (element.names !== '' && names.read(element.names).isText);

  const aroundText = new Set<PageElement>();
  const textFigures = new Set<PageElement>();
  for (const element of elements) {
    if (isText(element) && paragraphsOf(element) > TEXT_SIZE) addWithParents(element, aroundText);
    if (FIGURE_TEXT.has(element.tag)) {
      const figure = closest(element, ({ tag }) => tag === 'figure');
      if (figure !== undefined) textFigures.add(figure);
    }
  }

  /** The share of the page's paragraphs that the element would have to hold to be kept; 0 if nothing is against it. */
  const keepShare = (element: PageElement): number => {
    if (element.isHidden) return SHARE.hidden;
    if (PRUNED_TAGS.has(element.tag) || (element.tag === 'figure' && !textFigures.has(element)))
      return SHARE.tag;
    if (PRUNED_ROLES.has(element.role)) return SHARE.tag;
    // The id of a heading is made of its words.
    if (element.names === '' || headingLevel(element) > 0 || aroundText.has(element)) return 0;
    const hints = names.read(element.names);
    if (hints.isComments) return SHARE.comments;
    if (hints.isBoilerplate) return SHARE.boilerplate;
    if (!hints.isDoubtful) return 0;
    const size = sizeOf(element);
    return size < DOUBTFUL_SIZE || linksOf(element) > DOUBTFUL_LINK_SHARE * size ? SHARE.doubtful : 0;
  };

  const pruned = new Set<PageElement>();
  const hidden = new Set<PageElement>();
  for (const element of elements) {
    if (element.parent === undefined) continue;
    const share = keepShare(element);
    if (hidden.has(element.parent)) hidden.add(element);
    if (pruned.has(element.parent) || (share > 0 && paragraphsOf(element) <= share * all)) {
      pruned.add(element);
      if (element.isHidden) hidden.add(element);
    }
  }
  return { pruned, hidden, texts: elements.filter((element) => !pruned.has(element) && isText(element)) };
}

function addWithParents(element: PageElement, set: Set<PageElement>): void {
  let parent: PageElement | undefined = element;
  while (parent !== undefined && !set.has(parent)) {
    set.add(parent);
    parent = parent.parent;
  }
}
