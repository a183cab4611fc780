/** Title, language and date of a page, out of its `title`, `meta`, `html` and `time` elements. */
import type { PageMetadata } from './page-tree.js';
import type { TextCodec } from './text-codec.js';

/** `meta` names and properties in order of trust. */
const TITLES = ['og:title', 'twitter:title', 'dc.title'];
const DATES = [
  'article:published_time',
  'datepublished',
  'og:published_time',
  'date',
  'dc.date.issued',
  'dc.date',
  'dcterms.date',
  'pubdate',
  'publishdate',
  'article:modified_time',
];
const LANGUAGES = ['content-language', 'language', 'og:locale'];
const LANGUAGE_TAG = /^[a-z]{2,3}(?:[-_][a-z0-9]{2,8})*$/i;
const DATE = /^\d{4}-\d{2}(?:-\d{2})?|^\d{4}$/;
const MAX_TITLE_CHARS = 1000;

export class PageMetadataReader {
  private readonly codec: TextCodec;
  private title = '';
  private language: string | undefined;
  private time: string | undefined;
  private readonly found = new Map<string, string>();

  constructor(codec: TextCodec) {
    this.codec = codec;
  }

  /** Text of the `title` element, possibly in parts. */
  addTitle(text: string): void {
    if (this.title.length < MAX_TITLE_CHARS) this.title += text;
  }

  /** Any element that may carry metadata. */
  readTag(tag: string, attributes: ReadonlyMap<string, string>): void {
    if (tag === 'html') {
      this.language ??= attributes.get('lang');
      return;
    }
    const name = (
      attributes.get('property') ??
      attributes.get('name') ??
      attributes.get('itemprop') ??
      attributes.get('http-equiv') ??
      ''
    ).toLowerCase();
    const content = (tag === 'meta' ? attributes.get('content') : attributes.get('datetime')) ?? '';
    if (content.trim() === '') return;
    if (name !== '' && !this.found.has(name)) this.found.set(name, content.trim());
    if (tag === 'time') this.time ??= content.trim();
  }

  finish(): PageMetadata {
    const first = (names: readonly string[], pattern: RegExp): string | undefined => {
      const name = names.find((candidate) => pattern.test(this.found.get(candidate) ?? ''));
      return name === undefined ? undefined : this.found.get(name);
    };
    const title = first(TITLES, /\S/) ?? this.title;
    const declared = this.language?.trim() ?? '';
    const time = DATE.test(this.time ?? '') ? this.time : undefined;
    return {
      title: this.codec.decode(title).replace(/\s+/g, ' ').trim().slice(0, MAX_TITLE_CHARS) || null,
      language: (LANGUAGE_TAG.test(declared) ? declared : first(LANGUAGES, LANGUAGE_TAG)) ?? null,
      date: first(DATES, DATE) ?? time ?? null,
    };
  }
}
