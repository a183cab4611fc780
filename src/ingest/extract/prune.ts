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

export interface Pruned {
  /** Elements that are marked as the text of an article, and are not pruned. */
  readonly texts: readonly PageElement[];
  /** Outermost elements of readers' comments. They are pruned. */
  readonly comments: readonly PageElement[];
}

/** Marks what is not part of the text, in the elements themselves. */
export function prune(tree: PageTree): Pruned {
  const rules = new PruningRules(tree);
  const comments: PageElement[] = [];
  for (const element of tree.elements) {
    const { parent } = element;
    if (parent === undefined) continue;
    if (parent.isPruned) {
      element.isPruned = true;
      element.isUnseen = parent.isUnseen || element.isHidden;
      continue;
    }
    element.isPruned = rules.isPruned(element);
    element.isUnseen = element.isPruned && element.isHidden;
    if (element.isPruned && !element.isHidden && (element.hints & HINT.comments) !== 0)
      comments.push(element);
  }
  const texts = tree.elements.filter((element) => !element.isPruned && isText(element));
  return { texts, comments };
}

/** Takes comments back into the text, without what surrounds them. */
export function restoreComments(tree: PageTree, comments: readonly PageElement[]): void {
  const rules = new PruningRules(tree);
  const roots = new Set(comments);
  let root: PageElement | undefined;
  for (const element of tree.elements) {
    if (root !== undefined && element.depth <= root.depth) root = undefined;
    if (roots.has(element)) {
      root = element;
      element.isPruned = false;
    } else if (root !== undefined) {
      // In an element of comments, names say what belongs to each of them.
      element.isPruned = element.parent?.isPruned === true || rules.keepShare(element, HINT.comments) > 0;
    }
  }
}

/** What is against an element of a page. */
class PruningRules {
  private readonly sizeOf: (element: PageElement) => number;
  private readonly linksOf: (element: PageElement) => number;
  private readonly paragraphsOf: (element: PageElement) => number;
  /** Paragraphs of the page. */
  private readonly all: number;
  private readonly aroundText = new Set<PageElement>();
  private readonly textFigures = new Set<PageElement>();

  constructor({ root, elements, blocks }: PageTree) {
    this.sizeOf = sumOver(blocks, ({ size }) => size);
    this.linksOf = sumOver(blocks, ({ size, linkShare }) => size * linkShare);
    this.paragraphsOf = sumOver(blocks, (block) => (isParagraph(block) ? block.size : 0));
    this.all = this.paragraphsOf(root);
    for (const element of elements) {
      if (isText(element) && this.paragraphsOf(element) > TEXT_SIZE) addWithParents(element, this.aroundText);
      if (element.figure !== undefined && FIGURE_TEXT.has(element.tag.name))
        this.textFigures.add(element.figure);
    }
  }

  isPruned(element: PageElement): boolean {
    const share = this.keepShare(element);
    return share > 0 && this.paragraphsOf(element) <= share * this.all;
  }

  /**
   * The share of the page's paragraphs that the element would have to hold to be kept; 0 if nothing is against it.
   * @param ignored hints that do not count
   */
  keepShare(element: PageElement, ignored = 0): number {
    const { tag } = element;
    const hints = element.hints & ~ignored;
    if (element.isHidden) return SHARE.hidden;
    if (PRUNED_TAGS.has(tag.name) || (tag.name === 'figure' && !this.textFigures.has(element)))
      return SHARE.tag;
    if (element.role !== '' && PRUNED_ROLES.has(element.role)) return SHARE.tag;
    // The id of a heading is made of its words.
    if ((hints & SUSPECT) === 0 || tag.level > 0 || this.aroundText.has(element)) return 0;
    if ((hints & HINT.comments) !== 0) return SHARE.comments;
    if ((hints & HINT.boilerplate) !== 0) return SHARE.boilerplate;
    const size = this.sizeOf(element);
    return size < DOUBTFUL_SIZE || this.linksOf(element) > DOUBTFUL_LINK_SHARE * size ? SHARE.doubtful : 0;
  }
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
