/**
 * HTML -> page tree, in one pass over the tokens and without recursion.
 *
 * Invariants: linear in the page, whatever it nests or leaves open: the stack has MAX_DEPTH entries (a deeper
 * element replaces the deepest, as Blink does with 512), a search in it is bounded by that, elements and attribute
 * values have caps. The input is valid UTF-8.
 */
import type { Attributes } from './attributes.js';
import { MetadataReader } from './metadata.js';
import { HINT } from './names.js';
import { PageElement, TextBlock, type PageTree } from './page-tree.js';
import { knownTag, PARAGRAPH_SCOPE, PARAGRAPHS, TAG_COUNT, type Tag, type TagSet } from './tags.js';
import { MARK, TextArena } from './text-arena.js';
import { tokenizeHtml, type TokenSink } from './tokenize-html.js';

export const MAX_DEPTH = 512;
/** Block-level elements; those beyond count as part of their parent. Real pages have a few thousand. */
export const MAX_ELEMENTS = 200_000;

const HIDING_STYLE = /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i;

const BODY = knownTag('body');
const PARAGRAPH = knownTag('p');
const LINK = knownTag('a');
const SCRIPT = knownTag('script');
const SVG = knownTag('svg');
const MATH = knownTag('math');

/** What runs within a line and is marked, where marks are asked for. */
const MARKS: Readonly<Record<string, number>> = {
  b: MARK.strong,
  strong: MARK.strong,
  i: MARK.emphasis,
  em: MARK.emphasis,
  code: MARK.code,
  kbd: MARK.code,
  samp: MARK.code,
  tt: MARK.code,
  a: MARK.link,
};

/** What applies to the text in an open element; bits. */
const STATE = { dropped: 1, link: 2, preformatted: 4, marked: 8 } as const;

export interface TreeOptions {
  /** Whether blocks have marks of links, emphasis and code within their lines. */
  readonly marks?: boolean;
}

/** Parses a page in valid UTF-8. Never fails: all bytes are a page. */
export function buildTree(page: Buffer, options: TreeOptions = {}): PageTree {
  const builder = new TreeBuilder(page, options.marks === true);
  tokenizeHtml(page, builder);
  return builder.finish();
}

class TreeBuilder implements TokenSink {
  private readonly withMarks: boolean;
  private readonly arena: TextArena;
  private readonly elements: PageElement[] = [];
  private readonly blocks: TextBlock[] = [];
  private readonly links: string[] = [];
  private readonly metadata: MetadataReader;
  private readonly root: PageElement;

  /** What is open: tags, the block-level element that text belongs to in each, and what applies to the text. */
  private readonly tags: Tag[] = [BODY];
  private readonly openElements: PageElement[] = [];
  private readonly states = new Uint8Array(MAX_DEPTH + 1);
  private depth = 0;
  private state = 0;
  /** Open elements by tag, so that an end tag without a beginning costs nothing. */
  private readonly openCount = new Int32Array(TAG_COUNT);
  private steps = 0;

  /** Bytes of the current block as they stand in the page, and of those in links. */
  private length = 0;
  private linkLength = 0;
  private startsItem = false;
  private firstLink = 0;
  private linkTargets: string[] = [];

  constructor(page: Buffer, withMarks: boolean) {
    this.withMarks = withMarks;
    this.arena = new TextArena(page, withMarks);
    this.metadata = new MetadataReader(page);
    const names = { hints: 0, role: '', isArticleBody: false, isHidden: false };
    this.root = new PageElement(BODY, undefined, 0, names);
    this.elements.push(this.root);
    this.openElements.push(this.root);
  }

  finish(): PageTree {
    this.flush();
    while (this.depth > 0) this.pop();
    this.root.endBlock = this.blocks.length;
    const { root, elements, blocks, links, steps } = this;
    return { root, elements, blocks, links, steps, metadata: this.metadata.finish() };
  }

  isForeign(): boolean {
    return this.openCount[SVG.id] > 0 || this.openCount[MATH.id] > 0;
  }

  startTag(tag: Tag, attributes: Attributes): void {
    if (attributes.seen !== 0 || tag === SCRIPT) this.metadata.readTag(tag, attributes);
    if (tag.display === 'transparent') return;
    const isDropped = (this.state & STATE.dropped) !== 0;
    if (tag.isVoid) {
      if (isDropped) return;
      if (tag.name === 'br') this.arena.addLineBreak((this.state & STATE.preformatted) !== 0);
      else if (tag.name === 'hr') this.flush();
      return;
    }
    if (tag.display === 'block' && !isDropped) this.flush();
    if (tag.closesParagraph && this.openCount[PARAGRAPH.id] > 0)
      this.closeImplied(PARAGRAPHS, PARAGRAPH_SCOPE);
    if (tag.closes !== undefined) this.closeImplied(tag.closes, tag.within);
    if (tag === LINK && (this.state & STATE.link) !== 0 && this.openCount[LINK.id] > 0) this.close(LINK);
    if (this.depth === MAX_DEPTH) this.pop();
    this.push(tag, attributes);
  }

  endTag(tag: Tag): void {
    const isDropped = (this.state & STATE.dropped) !== 0;
    if (tag.display === 'block' && !isDropped) this.flush();
    if (tag.isVoid) {
      if (tag.name === 'br' && !isDropped) this.arena.addLineBreak((this.state & STATE.preformatted) !== 0);
      return;
    }
    if (this.openCount[tag.id] > 0) this.close(tag);
  }

  text(start: number, end: number): void {
    if ((this.state & STATE.dropped) !== 0) return;
    const { arena } = this;
    const wasEmpty = arena.isEmpty;
    arena.addText(start, end, (this.state & STATE.preformatted) !== 0);
    // Between block-level elements there is mostly indentation.
    if (wasEmpty && arena.isEmpty) return;
    this.count(end - start);
  }

  content(tag: Tag, start: number, end: number): void {
    // The title of the page, not of a picture in it.
    if (tag.name === 'title' && this.states[this.depth - 1] === 0) this.metadata.readTitle(start, end);
    else if (tag.name === 'script') this.metadata.readScript(start, end);
    else if ((this.state & STATE.dropped) === 0) {
      this.arena.addRaw(start, end);
      this.count(end - start);
    }
  }

  private count(length: number): void {
    this.length += length;
    if ((this.state & STATE.link) !== 0) this.linkLength += length;
  }

  private push(tag: Tag, attributes: Attributes): void {
    const isBlock = tag.display === 'block';
    let state = this.state & ~STATE.marked;
    let element = this.openElements[this.depth];
    if ((state & STATE.dropped) === 0) {
      if (tag.name === 'li') this.startsItem = true;
      if (tag.display === 'dropped') state |= STATE.dropped;
      else if (isBlock) {
        if (this.elements.length < MAX_ELEMENTS) element = this.createElement(tag, element, attributes);
        if (tag.isPreformatted) state |= STATE.preformatted;
      } else if (attributes.seen !== 0) {
        const hints = attributes.hints('class');
        if ((hints & HINT.control) !== 0 || isHidden(attributes, hints)) state |= STATE.dropped;
        else if (tag === LINK && attributes.has('href')) state |= STATE.link;
      }
      if (this.withMarks && !isBlock && (state & STATE.dropped) === 0)
        state = this.openMark(tag, attributes, state);
    }
    this.depth += 1;
    this.tags[this.depth] = tag;
    this.openElements[this.depth] = element;
    this.states[this.depth] = state;
    this.state = state;
    this.openCount[tag.id] += 1;
  }

  private createElement(tag: Tag, parent: PageElement, attributes: Attributes): PageElement {
    const { seen } = attributes;
    let hints = 0;
    let isHiding = false;
    if (seen !== 0) {
      const classHints = attributes.hints('class');
      hints = attributes.has('id') ? classHints | (attributes.hints('id') & ~HINT.hidden) : classHints;
      isHiding = isHidden(attributes, classHints);
    }
    const itemprop = attributes.word('itemprop');
    if (/^comments?$/i.test(itemprop)) hints |= HINT.comments;
    const element = new PageElement(tag, parent, this.blocks.length, {
      hints,
      role: attributes.word('role'),
      isArticleBody: /articlebody/i.test(itemprop),
      isHidden: isHiding,
    });
    if (this.withMarks && tag.isPreformatted) element.codeLanguage = codeLanguage(attributes);
    this.elements.push(element);
    return element;
  }

  private pop(): void {
    const { depth } = this;
    const element = this.openElements[depth];
    const tag = this.tags[depth];
    this.steps += 1;
    if (this.withMarks && (this.state & STATE.marked) !== 0 && tag.display === 'inline') this.closeMark(tag);
    if (element !== this.openElements[depth - 1]) {
      this.flush();
      element.endBlock = this.blocks.length;
    }
    this.openCount[tag.id] -= 1;
    this.depth = depth - 1;
    this.state = this.states[depth - 1];
  }

  /** Ends the nearest open element of a tag, unless one lies between that it must not reach through. */
  private close(tag: Tag): void {
    const isBlock = tag.display === 'block' || tag.display === 'dropped';
    let level = this.depth;
    for (; this.tags[level] !== tag; level--) {
      this.steps += 1;
      if (level === 0) return;
      const open = this.tags[level];
      const isBarrier = isBlock
        ? !tag.isTablePart && open.isTablePart && open.name !== 'tr'
        : open.display === 'block';
      if (isBarrier) return;
    }
    while (this.depth >= level) this.pop();
  }

  /** Ends the nearest open element of `names` that is nearer than any of `within`, and what is open in it. */
  private closeImplied(names: TagSet, within: TagSet): void {
    let last = this.depth + 1;
    for (let level = this.depth; level > 0; level--) {
      this.steps += 1;
      const open = this.tags[level];
      if (names.has(open)) last = level;
      else if (within.has(open)) break;
    }
    while (this.depth >= last) this.pop();
  }

  /** Ends the current block of text. */
  private flush(): void {
    const place = this.arena.endBlock();
    if (place !== undefined) {
      const element = this.openElements[this.depth];
      const linkShare = this.length === 0 ? 0 : this.linkLength / this.length;
      this.blocks.push(new TextBlock(this.arena, place, element, linkShare, this.startsItem, this.firstLink));
      this.startsItem = false;
    } else {
      this.links.length = this.firstLink;
    }
    this.firstLink = this.links.length;
    this.length = 0;
    this.linkLength = 0;
  }

  /** Returns the state with what is marked now. */
  private openMark(tag: Tag, attributes: Attributes, state: number): number {
    const mark = MARKS[tag.name];
    if (mark === MARK.code && (state & STATE.preformatted) !== 0) {
      const { preformatted } = this.openElements[this.depth];
      if (preformatted !== undefined) preformatted.codeLanguage ||= codeLanguage(attributes);
      return state;
    }
    if (mark === undefined || (mark === MARK.link && !attributes.has('href'))) return state;
    if (mark === MARK.link) this.linkTargets.push(attributes.text('href'));
    this.arena.addMark(mark);
    return state | STATE.marked;
  }

  private closeMark(tag: Tag): void {
    const mark = MARKS[tag.name];
    if (mark === undefined) return;
    this.arena.addMark(mark + 1);
    if (mark === MARK.link) this.links.push(this.linkTargets.pop() ?? '');
  }
}

/** `language-js` is what the HTML Standard suggests (4.5.15); others have shorter forms. */
const CODE_LANGUAGE = /(?:^|\s)(?:language|lang|highlight-source|brush:)[-\s]?([\w+#-]{1,30})/i;

function codeLanguage(attributes: Attributes): string {
  return CODE_LANGUAGE.exec(attributes.word('class'))?.[1].toLowerCase() ?? '';
}

function isHidden(attributes: Attributes, classHints: number): boolean {
  return (
    (classHints & HINT.hidden) !== 0 ||
    attributes.has('hidden') ||
    (attributes.has('aria-hidden') && attributes.word('aria-hidden') === 'true') ||
    (attributes.has('style') && HIDING_STYLE.test(attributes.word('style')))
  );
}
