/**
 * HTML -> page tree, in one pass over the tokenizer's events and without recursion.
 *
 * Invariants: linear in the page, whatever it nests or leaves open: the stack has MAX_DEPTH entries (a deeper
 * element replaces the deepest, as Blink does with 512), a search in it is bounded by that, elements and attribute
 * values have caps. The input is UTF-16 text; caps are in characters.
 */
import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2';
import type { PageElement, PageTree, TextBlock } from './page-tree.js';
import { PageMetadataReader } from './metadata.js';
import type { TextCodec } from './text-codec.js';
import { PARAGRAPH, PARAGRAPH_SCOPE, TAG_COUNT, tagOf, type Tag } from './tags.js';

export const MAX_DEPTH = 512;
/** Block-level elements; those beyond count as part of their parent. Real pages have a few thousand. */
export const MAX_ELEMENTS = 200_000;
/** Value of one attribute; the rest is ignored. */
export const MAX_ATTRIBUTE_CHARS = 2000;

/** Attributes that are read; others are skipped by name. */
const ATTRIBUTES: ReadonlySet<string> = new Set(
  'class id role itemprop style hidden aria-hidden href lang name property content datetime http-equiv'.split(
    ' ',
  ),
);
const MAX_NAME_CHARS = 11;

const HIDING_STYLE = /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i;
const HIDING_CLASS =
  /(?:^|\s)(?:hidden|hide|invisible|visually-?hidden|sr-only|screen-reader-text|d-none|noprint|no-print|print-only)(?:\s|$)/;
/** Links within a line that work on the page rather than being part of what it says. */
const CONTROL_CLASS = /(?:^|\s)(?:mw-editsection|headerlink|anchorlink|permalink)(?:\s|$)/;
/** What a browser collapses to one space, and the no-break space, which means nothing to a text without lines. */
const SPACE = /[ \t\n\r\f\u00A0]+/g;
/** Stands for a line break until spaces are collapsed; as text it is a control character. */
const LINE_BREAK = '\v';
const LINE_BREAKS = / *\v[ \v]*/g;
/** Soft hyphens and zero-width spaces: hints for breaking lines, not text. */
const INVISIBLE = /[\u00AD\u200B\u2060\uFEFF]/g;
const IDEOGRAPH = /[\u2E80-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF]/g;

/** Parses a page. Never fails: all bytes are a page. */
export function buildTree(html: string, codec: TextCodec): PageTree {
  const builder = new TreeBuilder(html, codec);
  const tokenizer = new Tokenizer({ xmlMode: false, decodeEntities: true }, builder);
  tokenizer.write(html);
  tokenizer.end();
  return builder.finish();
}

/** What is open: a tag, the block-level element that text belongs to in it, and what applies to the text. */
interface Open {
  readonly tag: Tag;
  readonly element: PageElement;
  readonly isDropped: boolean;
  /** The title of the page, not of a picture in it. */
  readonly isTitle: boolean;
  readonly isLink: boolean;
  readonly isPreformatted: boolean;
}

class TreeBuilder implements TokenizerCallbacks {
  private readonly html: string;
  private readonly codec: TextCodec;
  private readonly elements: PageElement[] = [];
  private readonly blocks: TextBlock[] = [];
  private readonly metadata: PageMetadataReader;
  private readonly stack: Open[] = [];
  /** Open elements by tag, so that an end tag without a beginning costs nothing. */
  private readonly openCount = new Int32Array(TAG_COUNT);
  private top: Open;

  private tag: Tag | undefined;
  private readonly attributes = new Map<string, string>();
  private attribute: string | undefined;
  private value = '';

  private parts: string[] = [];
  /** Length of `parts`, and of those in links. */
  private length = 0;
  private linkLength = 0;
  private startsItem = false;
  private readonly root: PageElement;

  constructor(html: string, codec: TextCodec) {
    this.html = html;
    this.codec = codec;
    this.metadata = new PageMetadataReader(codec);
    this.root = this.createElement('body', undefined);
    this.top = {
      tag: tagOf('body'),
      element: this.root,
      isDropped: false,
      isTitle: false,
      isLink: false,
      isPreformatted: false,
    };
  }

  finish(): PageTree {
    this.flush();
    while (this.stack.length > 0) this.pop();
    this.root.endBlock = this.blocks.length;
    const { root, elements, blocks } = this;
    return { root, elements, blocks, metadata: this.metadata.finish() };
  }

  onopentagname(start: number, end: number): void {
    this.tag = tagOf(this.html.slice(start, end).toLowerCase());
    if (this.attributes.size > 0) this.attributes.clear();
  }

  onattribname(start: number, end: number): void {
    const length = end - start;
    const name = length >= 2 && length <= MAX_NAME_CHARS ? this.html.slice(start, end).toLowerCase() : '';
    this.attribute = ATTRIBUTES.has(name) ? name : undefined;
    this.value = '';
  }

  onattribdata(start: number, end: number): void {
    if (this.attribute === undefined || this.value.length >= MAX_ATTRIBUTE_CHARS) return;
    this.value += this.html.slice(start, Math.min(end, start + MAX_ATTRIBUTE_CHARS));
  }

  onattribentity(codepoint: number): void {
    if (this.attribute !== undefined && this.value.length < MAX_ATTRIBUTE_CHARS) {
      this.value += this.codec.encode(codepoint);
    }
  }

  onattribend(): void {
    if (this.attribute !== undefined && !this.attributes.has(this.attribute)) {
      this.attributes.set(this.attribute, this.value);
    }
    this.attribute = undefined;
  }

  onopentagend(): void {
    if (this.tag !== undefined) this.open(this.tag);
    this.tag = undefined;
  }

  /** In HTML, `<div/>` is a beginning; only void elements end by themselves, and those are never open. */
  onselfclosingtag(): void {
    this.onopentagend();
  }

  onclosetag(start: number, end: number): void {
    const tag = tagOf(this.html.slice(start, end).toLowerCase());
    if (tag.display === 'block' && !this.top.isDropped) this.flush();
    if (tag.isVoid) {
      if (tag.name === 'br') this.breakLine();
      return;
    }
    if (this.openCount[tag.id] > 0) this.close(tag);
  }

  ontext(start: number, end: number): void {
    if (this.top.isDropped) {
      if (this.top.isTitle) this.metadata.addTitle(this.html.slice(start, end));
      return;
    }
    this.addText(this.html.slice(start, end));
  }

  ontextentity(codepoint: number): void {
    const text = this.codec.encode(codepoint);
    if (!this.top.isDropped) this.addText(text);
    else if (this.top.isTitle) this.metadata.addTitle(text);
  }

  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

  private open(tag: Tag): void {
    const { attributes } = this;
    if (
      tag.name === 'html' ||
      tag.name === 'meta' ||
      attributes.has('datetime') ||
      attributes.has('itemprop')
    ) {
      this.metadata.readTag(tag.name, attributes);
    }
    if (tag.display === 'transparent') return;
    if (tag.isVoid) {
      if (tag.name === 'br') this.breakLine();
      else if (tag.name === 'hr' && !this.top.isDropped) this.flush();
      return;
    }
    const isBlock = tag.display === 'block';
    if (isBlock && !this.top.isDropped) this.flush();
    if (tag.closesParagraph && this.openCount[PARAGRAPH.id] > 0)
      this.closeImplied(PARAGRAPH_NAMES, PARAGRAPH_SCOPE);
    if (tag.closes.size > 0) this.closeImplied(tag.closes, tag.within);
    if (tag.name === 'a' && this.top.isLink && this.openCount[tag.id] > 0) this.close(tag);
    if (this.stack.length === MAX_DEPTH) this.pop();
    this.push(tag, isBlock);
  }

  private push(tag: Tag, isBlock: boolean): void {
    const { top, attributes } = this;
    const isHiddenInline =
      !isBlock &&
      tag.display !== 'dropped' &&
      attributes.size > 0 &&
      (isHidden(attributes) || isControl(attributes));
    const isDropped = top.isDropped || tag.display === 'dropped' || isHiddenInline;
    const isLink = top.isLink || (tag.name === 'a' && attributes.has('href'));
    const isElement = isBlock && !isDropped && this.elements.length < MAX_ELEMENTS;
    if (tag.name === 'li' && !isDropped) this.startsItem = true;
    this.stack.push(top);
    this.openCount[tag.id] += 1;
    this.top = {
      tag,
      element: isElement ? this.createElement(tag.name, top.element) : top.element,
      isDropped,
      isTitle: tag.name === 'title' && !top.isDropped,
      isLink,
      isPreformatted:
        top.isPreformatted || tag.name === 'pre' || tag.name === 'xmp' || tag.name === 'listing',
    };
  }

  private createElement(tag: string, parent: PageElement | undefined): PageElement {
    const { attributes } = this;
    const className = attributes.get('class');
    const id = attributes.get('id');
    const hasOthers = attributes.size > (className === undefined ? 0 : 1) + (id === undefined ? 0 : 1);
    const element: PageElement = {
      tag,
      parent,
      depth: parent === undefined ? 0 : parent.depth + 1,
      names: id === undefined ? (className ?? '').toLowerCase() : `${className ?? ''} ${id}`.toLowerCase(),
      role: hasOthers ? (attributes.get('role') ?? '') : '',
      itemprop: hasOthers ? (attributes.get('itemprop') ?? '') : '',
      isHidden: attributes.size > 0 && isHidden(attributes),
      firstBlock: this.blocks.length,
      endBlock: this.blocks.length,
    };
    this.elements.push(element);
    return element;
  }

  private pop(): void {
    const { top } = this;
    const below = this.stack.pop() as Open;
    if (top.element !== below.element) {
      this.flush();
      top.element.endBlock = this.blocks.length;
    }
    this.openCount[top.tag.id] -= 1;
    this.top = below;
  }

  /** Ends the nearest open element of a tag, unless one lies between that it must not reach through. */
  private close(tag: Tag): void {
    const isBlock = tag.display === 'block' || tag.display === 'dropped';
    const isTablePart = tag.name === 'table' || tag.name === 'tr' || tag.name === 'td' || tag.name === 'th';
    let levels = 1;
    for (let open = this.top; open.tag !== tag; open = this.stack[this.stack.length - levels], levels += 1) {
      if (levels > this.stack.length) return;
      const isBarrier = isBlock
        ? !isTablePart && (open.tag.name === 'td' || open.tag.name === 'th' || open.tag.name === 'table')
        : open.tag.display === 'block';
      if (isBarrier) return;
    }
    for (let level = 0; level < levels; level++) this.pop();
  }

  /** Ends the nearest open element of `names` that is nearer than any of `within`, and what is open in it. */
  private closeImplied(names: ReadonlySet<string>, within: ReadonlySet<string>): void {
    let last = 0;
    let open = this.top;
    for (let levels = 1; levels <= this.stack.length; levels++) {
      if (names.has(open.tag.name)) last = levels;
      else if (within.has(open.tag.name)) break;
      open = this.stack[this.stack.length - levels];
    }
    for (let level = 0; level < last; level++) this.pop();
  }

  private addText(text: string): void {
    // Between block-level elements there is mostly indentation.
    if (
      this.parts.length === 0 &&
      !this.top.isPreformatted &&
      text.charCodeAt(0) <= 0x20 &&
      text.trim() === ''
    )
      return;
    this.parts.push(text);
    this.length += text.length;
    if (this.top.isLink) this.linkLength += text.length;
  }

  private breakLine(): void {
    if (!this.top.isDropped && this.parts.length > 0)
      this.parts.push(this.top.isPreformatted ? '\n' : LINE_BREAK);
  }

  /** Ends the current block of text. */
  private flush(): void {
    if (this.parts.length === 0) return;
    const slice = this.parts.length === 1 ? this.parts[0] : this.parts.join('');
    const decoded = this.codec.decode(slice).replace(INVISIBLE, '');
    const text = this.top.isPreformatted ? tidyPreformatted(decoded) : tidyLines(decoded);
    if (text.trim() !== '') {
      this.blocks.push({
        text,
        size: text.length + 2 * (text.match(IDEOGRAPH)?.length ?? 0),
        linkShare: this.linkLength / this.length,
        element: this.top.element,
        startsItem: this.startsItem,
      });
      this.startsItem = false;
    }
    this.parts = [];
    this.length = 0;
    this.linkLength = 0;
  }
}

const PARAGRAPH_NAMES: ReadonlySet<string> = new Set(['p']);

/** One space where there were several, none at the ends of lines, no empty lines. */
function tidyLines(text: string): string {
  return text.replace(SPACE, ' ').replace(LINE_BREAKS, '\n').trim();
}

/** Lines as they are, without empty ones at the beginning and the end. */
function tidyPreformatted(text: string): string {
  return text.replace(/^(?:[ \t\r]*\n)+/, '').trimEnd();
}

function isHidden(attributes: ReadonlyMap<string, string>): boolean {
  return (
    attributes.has('hidden') ||
    attributes.get('aria-hidden') === 'true' ||
    HIDING_STYLE.test(attributes.get('style') ?? '') ||
    HIDING_CLASS.test(attributes.get('class')?.toLowerCase() ?? '')
  );
}

function isControl(attributes: ReadonlyMap<string, string>): boolean {
  return CONTROL_CLASS.test(attributes.get('class') ?? '');
}
