import { describe, expect, it } from 'vitest';
import { extractMainText } from '../../../src/ingest/extract/extract.js';
import { readLinkedData } from '../../../src/ingest/extract/linked-data.js';
import { robotsDirectives } from '../../../src/ingest/extract/robots.js';
import { extractPage } from '../../../src/ingest/formats/page.js';
import { DEFAULT_READING, type ReadingConfig } from '../../../src/ingest/reading.js';

const metadataOf = (head: string): Record<string, string | null> => {
  const { text: _, ...metadata } = extractMainText(Buffer.from(head));
  return metadata;
};
const linkedData = (value: unknown): string =>
  `<script type="application/ld+json">${typeof value === 'string' ? value : JSON.stringify(value)}</script>`;

describe('meta elements', () => {
  it.each([
    ['<meta name="author" content="Willa Ash">', { author: 'Willa Ash' }],
    [
      '<meta property="article:author" content="https://social.example/willa"><meta name="dc.creator" content="W. Ash">',
      { author: 'W. Ash' },
    ],
    [
      '<meta property="og:site_name" content="The &amp; Times"><meta name="application-name" content="App">',
      { siteName: 'The & Times' },
    ],
    ['<link rel="stylesheet" href="x"><link rel="Canonical" href="/a">', { canonicalUrl: '/a' }],
    ['<meta property="og:url" content="/b"><link rel="canonical" href="/a">', { canonicalUrl: '/a' }],
    ['<meta property="og:url" content="/b">', { canonicalUrl: '/b' }],
    [
      '<meta name="date" content="2019-01-01"><meta property="article:published_time" content="2018-01-01">',
      { published: '2018-01-01' },
    ],
    ['<meta name="date" content="last week"><meta name="DC.date" content="2017">', { published: '2017' }],
    [
      '<span itemprop="datePublished" datetime="2016-05-04">May</span><meta name="date" content="2019-01-01">',
      { published: '2016-05-04' },
    ],
    [
      '<time datetime="2015-02-03T10:00">then</time><time datetime="2014-02-03">before</time>',
      { published: '2015-02-03T10:00' },
    ],
    ['<meta name="date" content="2019-01-02 10:11 Uhr">', { published: '2019-01-02 10:11' }],
    [
      '<meta name="date" content="2019-01-02T10:11:12.5+0100 <b>">',
      { published: '2019-01-02T10:11:12.5+0100' },
    ],
    ['<meta name="date" content="2019 was long">', { published: null }],
    [
      '<title>a\u0000b\u0007 c</title><meta name=author content="x\u0001y">',
      { title: 'a b c', author: 'x y' },
    ],
    ['<time datetime="PT5M">5 minutes</time>', { published: null }],
    ['<html xml:lang="fr">', { language: 'fr' }],
    ['<meta property="og:locale" content="pt_BR">', { language: 'pt_BR' }],
    ['<html lang="English!"><meta http-equiv="Content-Language" content="en">', { language: 'en' }],
    [
      '<meta name="robots" content="NoIndex , noai"><meta name="ROBOTS" content="noimageai">',
      { robots: 'noai, noimageai, noindex' },
    ],
    ['<meta name="googlebot" content="noindex">', { robots: null }],
    ['<title>A</title><title>B</title><meta name="twitter:title" content=" ">', { title: 'A' }],
    ['<title>caf\u00e9 &eacute; 日本</title>', { title: 'café é 日本' }],
  ])('%s', (head, metadata) => {
    expect(metadataOf(head)).toMatchObject(metadata);
  });

  it('have a limit, which tears no character', () => {
    const { author } = metadataOf(`<meta name="author" content="${'日'.repeat(5000)}">`);
    expect(author).toBe('日'.repeat(666));
  });
});

describe('JSON-LD', () => {
  const article = {
    '@context': 'https://schema.org',
    '@type': 'NewsArticle',
    datePublished: '2020-03-04T05:06:07Z',
    inLanguage: 'de-DE',
    author: [
      { '@type': 'Person', name: 'Ada' },
      { '@type': 'Person', name: 'Bert' },
    ],
    publisher: { '@type': 'Organization', name: 'Blatt' },
  };

  it('tells what nothing else does', () => {
    expect(metadataOf(linkedData(article))).toMatchObject({
      author: 'Ada, Bert',
      published: '2020-03-04T05:06:07Z',
      language: 'de-DE',
      siteName: 'Blatt',
    });
    expect(metadataOf(`<meta name="author" content="Carl">${linkedData(article)}`)).toMatchObject({
      author: 'Carl',
      published: '2020-03-04T05:06:07Z',
    });
  });

  it('is read through graphs and references', () => {
    const graph = [
      { '@type': 'WebSite', '@id': '#site', name: 'Site', inLanguage: 'en' },
      { '@type': ['WebPage', 'ItemPage'], datePublished: '2001-01-01', author: 'Page' },
      { '@type': 'BlogPosting', author: { '@id': '#a' }, datePublished: ['2002-02-02'] },
      { '@type': 'Person', '@id': '#a', name: 'Ada' },
    ];
    expect(readLinkedData([JSON.stringify({ '@graph': graph })])).toEqual({
      author: 'Ada',
      published: '2002-02-02',
      siteName: 'Site',
      language: 'en',
    });
    expect(readLinkedData([JSON.stringify([{ '@type': 'WebPage', mainEntity: article }])])).toMatchObject({
      author: 'Ada, Bert',
    });
  });

  it('of other things says nothing about the text', () => {
    const product = { '@type': 'Product', author: 'X', datePublished: '2000-01-01', name: 'Y' };
    expect(readLinkedData([JSON.stringify(product)])).toEqual({});
    expect(
      readLinkedData([JSON.stringify({ ...article, author: 'https://a.example/', publisher: 3 })]),
    ).toMatchObject({
      author: undefined,
      siteName: undefined,
    });
  });

  it.each([
    '{"@type": "Article", ',
    'null',
    '3',
    '"text"',
    '[[[[]]]]',
    `${'['.repeat(60_000)}${']'.repeat(60_000)}`,
    '{"@type": {"@type": 1}, "author": {"name": {"name": []}}}',
    `{"@graph": [${'{"@type": "Article"},'.repeat(5000)}null]}`,
    `{"@type": "Article", "mainEntity": ${'{"mainEntity": '.repeat(3000)}1${'}'.repeat(3000)}}`,
    'x'.repeat(300_000),
  ])('that is broken or too much is passed over: %.40s', (script) => {
    const { author, published } = metadataOf(`${linkedData(script)}<time datetime="2000-01-01">x</time>`);
    expect([author, published]).toEqual([null, '2000-01-01']);
  });
});

describe('robots', () => {
  it.each([
    [['noindex, nofollow'], 'nofollow, noindex'],
    [['NOAI', 'noai,noimageai'], 'noai, noimageai'],
    [['max-snippet:-1, max-image-preview: large'], 'max-image-preview: large, max-snippet:-1'],
    [['unavailable_after: 25 Jun 2010 15:00:00 GMT'], 'unavailable_after: 25 jun 2010 15:00:00 gmt'],
    [['googlebot: noindex, nofollow'], null],
    [['noarchive, otherbot: noindex, noai'], 'noarchive'],
    [['', null, undefined, ' , '], null],
  ])('%j -> %j', (values, directives) => {
    expect(robotsDirectives(...values)).toBe(directives);
  });
});

describe('extractPage', () => {
  const page = (head: string): Buffer => Buffer.from(`<head>${head}</head><p>Text</p>`);

  it('makes the canonical address absolute, and takes none that cannot be followed', () => {
    const canonicalOf = (href: string, url?: string): string | null | undefined =>
      extractPage(page(`<link rel=canonical href="${href}">`), { url }).page?.canonicalUrl;
    expect(canonicalOf('/a', 'https://example.com/b/c')).toBe('https://example.com/a');
    expect(canonicalOf('https://example.org/a', 'https://example.com/b')).toBe('https://example.org/a');
    expect(canonicalOf('https://example.org/a')).toBe('https://example.org/a');
    expect(canonicalOf('/a')).toBeNull();
    expect(canonicalOf('javascript:x', 'https://example.com/')).toBeNull();
    expect(canonicalOf('/a', 'no address')).toBeNull();
  });

  it('joins the directives of the page and of its HTTP header', () => {
    const robots = '<meta name=robots content=noai>';
    expect(extractPage(page(robots), { robots: 'noindex' }).page?.robots).toBe('noai, noindex');
    expect(extractPage(page(robots)).page?.robots).toBe('noai');
    const several = 'googlebot: noindex\nnoimageai\nnofollow';
    expect(extractPage(page(robots), { robots: several }).page?.robots).toBe('noai, nofollow, noimageai');
  });

  it('repairs mojibake before it takes soft hyphens and no-break spaces away', () => {
    const spoilt = Buffer.from('<p>él está aquí, à la mañana</p>').toString('latin1');
    const reading: ReadingConfig = { ...DEFAULT_READING, normalize: ['mojibake', 'control'] };
    expect(extractPage(Buffer.from(spoilt), { reading }).text).toBe('él está aquí, à la mañana');
    expect(extractPage(Buffer.from(spoilt)).text).not.toContain('é');
  });
});
