/** What the extractor needs to know of each HTML element: how it is laid out, and what its beginning closes. */

export type Display =
  /** Begins and ends a block of text. */
  | 'block'
  /** Runs within a line. */
  | 'inline'
  /** Never shown as text of the page, or not text at all. */
  | 'dropped'
  /** Not an element of its own for our purpose: neither opened nor closed. */
  | 'transparent';

export interface Tag {
  readonly name: string;
  readonly id: number;
  readonly display: Display;
  readonly isVoid: boolean;
  /** Open elements that its beginning ends (HTML Standard, 13.1.2.4 optional tags), up to one of `within`. */
  readonly closes: ReadonlySet<string>;
  readonly within: ReadonlySet<string>;
  /** Its beginning ends an open paragraph. */
  readonly closesParagraph: boolean;
}

const words = (text: string): string[] => text.split(' ');

const VOID = new Set(
  words('area base basefont br col embed frame hr img input keygen link meta param source track wbr'),
);
const TRANSPARENT = new Set(words('html head body tbody thead tfoot colgroup'));
const DROPPED = new Set(
  words(
    'script style noscript template svg math iframe object applet canvas audio video map noembed noframes select textarea datalist button dialog menu nav title progress meter rp',
  ),
);
const BLOCK = words(
  'address article aside blockquote center dd details dir div dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr li listing main ol optgroup option p pre search section summary table caption td th tr ul xmp legend',
);
const INLINE = words(
  'a abbr acronym b bdi bdo big br cite code data del dfn em font i img input ins kbd label mark nobr output picture q rb rt rtc ruby s samp small source span strike strong sub sup time tt u var wbr',
);

const CLOSES: Record<string, readonly [closes: string, within: string]> = {
  li: ['li', 'ul ol menu dir table td th'],
  dt: ['dt dd', 'dl table td th'],
  dd: ['dt dd', 'dl table td th'],
  tr: ['tr td th', 'table'],
  td: ['td th', 'tr table'],
  th: ['td th', 'tr table'],
  option: ['option', 'select'],
};
const PARAGRAPH_SCOPE = new Set(words('td th table caption button object'));

const NOTHING: ReadonlySet<string> = new Set();
const tags = new Map<string, Tag>();

function define(name: string, display: Display): Tag {
  const [closes, within] = CLOSES[name] ?? [];
  const tag: Tag = {
    name,
    id: tags.size,
    display,
    isVoid: VOID.has(name),
    closes: closes === undefined ? NOTHING : new Set(words(closes)),
    within: within === undefined ? PARAGRAPH_SCOPE : new Set(words(within)),
    closesParagraph:
      display === 'block' && name !== 'td' && name !== 'th' && name !== 'tr' && name !== 'caption',
  };
  tags.set(name, tag);
  return tag;
}

for (const name of TRANSPARENT) define(name, 'transparent');
for (const name of DROPPED) define(name, 'dropped');
for (const name of BLOCK) define(name, 'block');
for (const name of INLINE) define(name, 'inline');
for (const name of VOID) if (!tags.has(name)) define(name, 'inline');

/** Elements that nobody knows: custom ones are containers more often than not, others are typing errors. */
const CUSTOM = define('-custom', 'block');
const UNKNOWN = define('-unknown', 'inline');

/** Number of distinct `Tag.id`. */
export const TAG_COUNT = tags.size;

export const PARAGRAPH = tags.get('p') as Tag;
export { PARAGRAPH_SCOPE };

/** @param name in lower case */
export function tagOf(name: string): Tag {
  return tags.get(name) ?? (name.includes('-') ? CUSTOM : UNKNOWN);
}
