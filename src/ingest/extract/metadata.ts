/**
 * What a page says of itself outside its text: `title`, `meta` (also Open Graph and Dublin Core), `link`, `html`, `time`,
 * schema.org properties, and JSON-LD where those leave something open.
 */
import { decodeHTML } from 'entities';
import type { Attributes } from './attributes.js';
import { readLinkedData, type LinkedData } from './linked-data.js';
import { robotsDirectives } from './robots.js';
import { knownTag, type Tag } from './tags.js';

export interface PageMetadata {
  readonly title: string | null;
  /** Names, separated by commas. */
  readonly author: string | null;
  /** When it was published, as the page writes it: a date or a time of ISO 8601. */
  readonly published: string | null;
  /** Language tag that the page declares. */
  readonly language: string | null;
  /** Address that the page gives for itself; may be relative. */
  readonly canonicalUrl: string | null;
  readonly siteName: string | null;
  /** Directives for robots, lower case, in alphabetical order, separated by commas: `noai, noindex`. */
  readonly robots: string | null;
}

type Field = 'title' | 'author' | 'published' | 'language' | 'canonicalUrl' | 'siteName';

/** Names and properties of `meta`, in order of trust. */
const NAMES: Readonly<Record<Field, readonly string[]>> = {
  title: ['og:title', 'twitter:title', 'dc.title', 'dcterms.title'],
  author: [
    'author',
    'article:author',
    'parsely-author',
    'sailthru.author',
    'dc.creator',
    'dcterms.creator',
    'citation_author',
    'byl',
  ],
  published: [
    'article:published_time',
    'datepublished',
    'og:published_time',
    'parsely-pub-date',
    'sailthru.date',
    'date',
    'dc.date.issued',
    'dcterms.issued',
    'dc.date',
    'dcterms.date',
    'citation_publication_date',
    'pubdate',
    'publishdate',
    'article:modified_time',
  ],
  language: ['content-language', 'language', 'dc.language', 'og:locale'],
  canonicalUrl: ['og:url'],
  siteName: ['og:site_name', 'application-name'],
};

const RANKS = new Map<string, { readonly field: Field; readonly rank: number }>(
  (Object.keys(NAMES) as Field[]).flatMap((field) =>
    NAMES[field].map((name, index) => [name, { field, rank: index + 1 }] as const),
  ),
);

const LANGUAGE_TAG = /^[a-z]{2,3}(?:[-_][a-z0-9]{2,8})*$/i;
/** A date or a time of ISO 8601, whatever stands behind it; a year only by itself. */
const DATE =
  /^\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?(?:Z|[+-]\d{2}:?\d{2}))?)?)?|^\d{4}$/i;
/** What is in the place of an author and is none. */
const ADDRESS = /^(?:https?:)?\/\/|^www\.|^@/i;

/** What a value must be to count for its field. */
const IS_VALID: Readonly<Record<Field, (value: string) => boolean>> = {
  title: () => true,
  author: (value) => !ADDRESS.test(value),
  published: (value) => DATE.test(value),
  language: (value) => LANGUAGE_TAG.test(value),
  canonicalUrl: () => true,
  siteName: () => true,
};

const MAX_VALUE_CHARS = 1000;
const MAX_TITLE_BYTES = 4000;
/** JSON-LD scripts of a page that are kept to be read, and bytes of each; a larger one is not read. */
const MAX_SCRIPTS = 20;
const MAX_SCRIPT_BYTES = 200_000;

const HTML = knownTag('html');
const META = knownTag('meta');
const LINK = knownTag('link');
const TIME = knownTag('time');
const SCRIPT = knownTag('script');

export class MetadataReader {
  private readonly page: Buffer;
  private title: string | undefined;
  private readonly found = new Map<Field, { readonly value: string; readonly rank: number }>();
  private readonly robots: string[] = [];
  private time: string | undefined;
  private isLinkedData = false;
  private readonly scripts: (readonly [start: number, end: number])[] = [];

  constructor(page: Buffer) {
    this.page = page;
  }

  /** Any element that has attributes. */
  readTag(tag: Tag, attributes: Attributes): void {
    if (tag === META) this.readMeta(attributes);
    else if (tag === LINK) this.readLink(attributes);
    else if (tag === HTML) {
      this.offer('language', 0, attributes.text(attributes.has('lang') ? 'lang' : 'xml:lang'));
    } else if (tag === SCRIPT) {
      this.isLinkedData = attributes.has('type') && /ld\+json/i.test(attributes.word('type'));
    } else if (attributes.has('datetime')) {
      const value = attributes.text('datetime').trim();
      if (attributes.has('itemprop') && /\bdatepublished\b/i.test(attributes.word('itemprop')))
        this.offer('published', (RANKS.get('datepublished') as { rank: number }).rank, value);
      if (tag === TIME && DATE.test(value)) this.time ??= value;
    }
  }

  /** Content of the `title` element. */
  readTitle(start: number, end: number): void {
    this.title ??= decodeHTML(this.page.toString('utf8', start, Math.min(end, start + MAX_TITLE_BYTES)));
  }

  /** Content of the script whose tag came last. */
  readScript(start: number, end: number): void {
    if (this.isLinkedData && end - start <= MAX_SCRIPT_BYTES && this.scripts.length < MAX_SCRIPTS)
      this.scripts.push([start, end]);
    this.isLinkedData = false;
  }

  finish(): PageMetadata {
    const of = (field: Field): string | undefined => this.found.get(field)?.value;
    const published = of('published') ?? this.time;
    const [author, siteName, language] = [of('author'), of('siteName'), of('language')];
    const isOpen = [author, published, siteName, language].includes(undefined);
    const data: LinkedData = isOpen ? this.linkedData() : {};
    const dataLanguage = LANGUAGE_TAG.test(data.language ?? '') ? data.language : undefined;
    return {
      title: tidy(of('title') ?? this.title),
      author: tidy(author ?? data.author),
      // A `time` element may be that of another text.
      published: dateOf(of('published')) ?? dateOf(data.published) ?? dateOf(this.time) ?? null,
      language: language ?? dataLanguage ?? null,
      canonicalUrl: of('canonicalUrl') ?? null,
      siteName: tidy(siteName ?? data.siteName),
      robots: robotsDirectives(...this.robots),
    };
  }

  private readMeta(attributes: Attributes): void {
    if (!attributes.has('content')) return;
    const key = attributes.has('property')
      ? 'property'
      : attributes.has('name')
        ? 'name'
        : attributes.has('itemprop')
          ? 'itemprop'
          : 'http-equiv';
    const name = attributes.word(key).trim().toLowerCase();
    if (name === 'robots') {
      this.robots.push(attributes.text('content'));
      return;
    }
    const rank = RANKS.get(name);
    if (rank !== undefined) this.offer(rank.field, rank.rank, attributes.text('content'));
  }

  private readLink(attributes: Attributes): void {
    if (attributes.has('rel') && /(?:^|\s)canonical(?:\s|$)/i.test(attributes.word('rel')))
      this.offer('canonicalUrl', 0, attributes.text('href'));
  }

  /** Of values with one rank the first counts. */
  private offer(field: Field, rank: number, text: string): void {
    const value = text.trim().slice(0, MAX_VALUE_CHARS);
    const before = this.found.get(field);
    if (value === '' || (before !== undefined && before.rank <= rank) || !IS_VALID[field](value)) return;
    this.found.set(field, { value, rank });
  }

  private linkedData(): LinkedData {
    return readLinkedData(this.scripts.map(([start, end]) => this.page.toString('utf8', start, end)));
  }
}

function tidy(text: string | undefined): string | null {
  return (
    text
      ?.replace(/[\s\p{Cc}]+/gu, ' ')
      .trim()
      .slice(0, MAX_VALUE_CHARS) || null
  );
}

function dateOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : DATE.exec(text)?.[0];
}
