/** What the extractor needs to know of each HTML element: how it is laid out, and what its beginning closes. */
import { NameTable } from './name-table.js';

export type Display =
  /** Begins and ends a block of text. */
  | 'block'
  /** Runs within a line. */
  | 'inline'
  /** Never shown as text of the page, or not text at all. */
  | 'dropped'
  /** Not an element of its own for our purpose: neither opened nor closed. */
  | 'transparent';

/** What stands between the tags (HTML Standard, 13.1.2): markup, text with character references, or bare text. */
export type Content = 'markup' | 'text' | 'raw';

export interface Tag {
  readonly name: string;
  readonly id: number;
  readonly display: Display;
  readonly isVoid: boolean;
  readonly content: Content;
  /** `/name` in bytes. */
  readonly endName: Uint8Array;
  /** Level of a heading, 1 to 6; 0 for any other element. */
  readonly level: number;
  /** Open elements that its beginning ends (HTML Standard, 13.1.2.4 optional tags), up to one of `within`, by id. */
  readonly closes: TagSet | undefined;
  readonly within: TagSet;
  /** Its beginning ends an open paragraph. */
  readonly closesParagraph: boolean;
  /** An end tag of another element does not reach through it. */
  readonly isTablePart: boolean;
  readonly isPreformatted: boolean;
}

const words = (text: string): string[] => text.split(' ');

const VOID = new Set(
  words('area base basefont br col embed frame hr img input keygen link meta param source track wbr'),
);
const TRANSPARENT = words('html head body tbody thead tfoot colgroup');
const DROPPED = words(
  'script style noscript template svg math iframe object applet canvas audio video map noembed noframes select textarea datalist button dialog menu nav title progress meter rp',
);
const BLOCK = words(
  'address article aside blockquote center dd details dir div dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr li listing main ol optgroup option p pre search section summary table caption td th tr ul xmp legend',
);
const INLINE = words(
  'a abbr acronym b bdi bdo big br cite code data del dfn em font i img input ins kbd label mark nobr output picture q rb rt rtc ruby s samp small source span strike strong sub sup time tt u var wbr',
);
const CONTENT: Readonly<Record<string, Content>> = {
  title: 'text',
  textarea: 'text',
  script: 'raw',
  style: 'raw',
  xmp: 'raw',
  iframe: 'raw',
  noembed: 'raw',
  noframes: 'raw',
};
const PREFORMATTED = new Set(words('pre xmp listing'));
const TABLE_PARTS = new Set(words('table tr td th'));

const CLOSES: Readonly<Record<string, readonly [closes: string, within: string]>> = {
  li: ['li', 'ul ol menu dir table td th'],
  dt: ['dt dd', 'dl table td th'],
  dd: ['dt dd', 'dl table td th'],
  tr: ['tr td th', 'table'],
  td: ['td th', 'tr table'],
  th: ['td th', 'tr table'],
  option: ['option', 'select'],
};

/** Elements that nobody knows: custom ones are containers more often than not, others are typing errors. */
const CUSTOM_NAME = '-custom';
const UNKNOWN_NAME = '-unknown';

const displays = new Map<string, Display>();
const declare = (names: Iterable<string>, display: Display): void => {
  for (const name of names) if (!displays.has(name)) displays.set(name, display);
};
declare(TRANSPARENT, 'transparent');
declare(DROPPED, 'dropped');
declare(BLOCK, 'block');
declare(INLINE, 'inline');
declare(VOID, 'inline');
declare([CUSTOM_NAME], 'block');
declare([UNKNOWN_NAME], 'inline');

const ids = new Map([...displays.keys()].map((name, id) => [name, id]));

/** Number of distinct `Tag.id`. */
export const TAG_COUNT = ids.size;

/** A set of tags, by id. */
export class TagSet {
  private readonly members = new Uint8Array(TAG_COUNT);

  constructor(names: string) {
    for (const name of words(names)) this.members[ids.get(name) as number] = 1;
  }

  has(tag: Tag): boolean {
    return this.members[tag.id] === 1;
  }
}

/** Between a paragraph and these a beginning does not end the paragraph. */
export const PARAGRAPH_SCOPE = new TagSet('td th table caption button object');
export const PARAGRAPHS = new TagSet('p');

const tags = new Map(
  [...displays].map(([name, display]): [string, Tag] => {
    const [closes, within] = CLOSES[name] ?? [];
    const tag: Tag = {
      name,
      id: ids.get(name) as number,
      display,
      isVoid: VOID.has(name),
      content: CONTENT[name] ?? 'markup',
      endName: Buffer.from(`/${name}`),
      level: /^h[1-6]$/.test(name) ? Number(name[1]) : 0,
      closes: closes === undefined ? undefined : new TagSet(closes),
      within: within === undefined ? PARAGRAPH_SCOPE : new TagSet(within),
      closesParagraph:
        display === 'block' && name !== 'td' && name !== 'th' && name !== 'tr' && name !== 'caption',
      isTablePart: TABLE_PARTS.has(name),
      isPreformatted: PREFORMATTED.has(name),
    };
    return [name, tag];
  }),
);

export const TAGS = new NameTable(tags);

/** The tag of an element that HTML knows. @param name in lower case */
export function knownTag(name: string): Tag {
  return tags.get(name) as Tag;
}

export const CUSTOM = knownTag(CUSTOM_NAME);
export const UNKNOWN = knownTag(UNKNOWN_NAME);
