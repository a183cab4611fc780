/**
 * What the `class` and `id` of an element say about it. The words are those that content management systems and
 * their themes use, in English and in the languages whose authors name their classes in them.
 */

import { ByteCache } from './byte-cache.js';

/** What a name says; bits. */
export const HINT = {
  /** It holds the text of an article, and nothing else. */
  text: 1,
  /** Readers' comments. */
  comments: 2,
  /** Never part of the text, whatever is in it. */
  boilerplate: 4,
  /** Often not part of the text; what is in it has to show that too. */
  doubtful: 8,
  /** Not shown, or shown to screen readers only. */
  hidden: 16,
  /** A link within a line that works on the page rather than being part of what it says. */
  control: 32,
} as const;

/** Matches any of the words as a whole word of letters; `*` in a word stands for more letters. */
function anyOf(...topics: readonly string[]): RegExp {
  const words = topics
    .join(' ')
    .split(' ')
    .map((word) => word.replaceAll('-*', '[-_]\\w*').replaceAll('-', '[-_]?').replaceAll('*', '\\w*'));
  return new RegExp(`(?:^|[^a-z])(?:${words.join('|')})(?:$|[^a-z])`);
}

const TEXT = new RegExp(
  `(?:^|[\\s_-])(?:${[
    '(?:article|post|entry|story|news|blog|artikel|nota)-?_*(?:body|text|content|entry|inhalt|cuerpo)',
    '(?:body|content|main|single|text|page)-?_*(?:text|body|content)',
    'blog-?post-content',
    'field-name-body',
    'mw-parser-output',
    'fliesstext',
    'the-?content',
  ].join('|')})(?:$|[\\s_-])`,
);

const COMMENTS = anyOf(
  'comment comments* comment-* commentlist commentarea commentbox commentform respond disqus*',
);

const BOILERPLATE = anyOf(
  // ways around the site
  'nav navi navbar navigation breadcrumb breadcrumbs menu submenu topmenu footer sidebar side-bar rightcol rightcolumn leftcol leftcolumn',
  'pagination pager paging pagenav prevnext post-nav* next-post* prev-post* nextstory search searchform searchbox searchbar searchresults search-* skip-link tags tag-links tagcloud tag-list',
  // other texts
  'related* sectionrelated recommend* similar popular* trending most-read mostread blogroll outbrain taboola jp-relatedposts',
  'read-more more-* see-also also-* mehr-zum-thema weitere* linkbox link-list linklist lesen-sie*',
  // what the site wants of its readers
  'cookie cookies* cookie-* cookiebar cookiebanner cookieconsent cookiehint cookielaw cookienotice consent gdpr borlabs* newsletter* subscribe* subscription signup login register paywall appstores',
  'share* sharing sharedaddy shariff social socials social-* socialmedia sociallinks socialicons follow follow-us modal popup overlay tooltip',
  'advert* ad ads adsense adslot sponsor*',
  // about the text
  'author-box author-bio author-info about-author saboxplugin* bio postprofile user-info user-details poster-info signature post-links post-actions copyright* disclaimer disclosure',
  'caption image-caption wp-caption-text figure-caption img-caption credit credits photo-credit photo-credits bildunterschrift legende leyenda textpic* csc-textpic*',
  'imgs?-(?:desc*|text|inline|wrap*) (?:image|photo|foto|bild|picture|media)s?-(?:caption|desc*|text|box|credits?|legend|legende|inline|wrap*|subtitle|untertitel|source|copyright)',
  'hatnote navbox* mw-editsection metadata catlinks reflist reference noprint printonly print-only twitter-tweet embed*',
);

const DOUBTFUL = anyOf(
  'teaser teasers teaser-* header head masthead meta post-meta entry-meta info promo* banner tools toolbar topbar kasten* box-links',
  'rating* vote feedback review reviews conversational next prev previous toc logo extra recent archive archives widget widgets widget-* aside',
  'partner shop shopping cart buybox buy-box weather ticker marquee byline author legal rss stats statistic* contact kontakt',
  'action actions button* btn cta download downloads',
);

const HIDDEN =
  /^(?:hidden|hide|invisible|visually-?hidden|sr-only|screen-reader-text|d-none|noprint|no-print|print-only)$/;
const CONTROL = /^(?:mw-editsection|headerlink|anchorlink|permalink)$/;

/** A name above this is no word of anybody. */
const MAX_NAME_BYTES = 200;

const SPACE = 0x20;

/** Names and whole attributes repeat, on a page and from page to page. */
const names = new ByteCache((bytes, start, end) =>
  readName(bytes.toString('latin1', start, end).toLowerCase()),
);
const lists = new ByteCache((bytes, start, end) => {
  let hints = 0;
  let from = start;
  for (let at = start; at <= end; at++) {
    if (at < end && bytes[at] > SPACE) continue;
    if (at > from && at - from <= MAX_NAME_BYTES) hints |= names.get(bytes, from, at);
    from = at + 1;
  }
  return hints;
});

/** Hints of all names in a `class` or an `id`, which stands between these bytes. */
export function hintsOf(bytes: Buffer, start: number, end: number): number {
  return lists.get(bytes, start, end);
}

function readName(name: string): number {
  return (
    (TEXT.test(name) ? HINT.text : 0) |
    (COMMENTS.test(name) ? HINT.comments : 0) |
    (BOILERPLATE.test(name) ? HINT.boilerplate : 0) |
    (DOUBTFUL.test(name) ? HINT.doubtful : 0) |
    (HIDDEN.test(name) ? HINT.hidden : 0) |
    (CONTROL.test(name) ? HINT.control : 0)
  );
}
