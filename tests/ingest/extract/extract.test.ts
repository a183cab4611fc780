/** Small pages with their whole expected text, worked out by hand from what a reader would call the text. */
import { describe, expect, it } from 'vitest';
import { extractMainText as extractUtf8, type MainText } from '../../../src/ingest/extract/extract.js';

const P1 = 'The harbor and the old bridge have been there for as long as anyone in the village can remember.';
const P2 =
  'In winter the water freezes between the piers, and the children walk over to the island and back again.';
const P3 =
  'Nobody knows who built the first house, but its stones were taken from a ship that sank in a storm.';

const extractMainText = (html: string): MainText => extractUtf8(Buffer.from(html));
const textOf = (html: string): string => extractMainText(html).text;

describe('what surrounds the text is left out', () => {
  it('navigation, footer, sidebar, scripts and forms', () => {
    const html = `<!doctype html><html><head><title>Harbor</title><style>p { color: red }</style><script>var x = "<p>no text</p>";</script></head>
      <body><header><div class="logo">The Village Times</div><nav><ul><li><a href="/">Home</a></li><li><a href="/news">News</a></li></ul></nav></header>
      <main><article><h1>The harbor</h1><p>${P1}</p><p>${P2}</p><form><p>Your e-mail address</p><input></form></article></main>
      <aside><h2>Weather</h2><p>Rain is expected over the weekend, with winds from the north and temperatures around five degrees.</p></aside>
      <footer><p>All content on this site belongs to the people who made it, and may not be used without asking them.</p></footer></body></html>`;
    expect(textOf(html)).toBe(`The harbor\n${P1}\n${P2}`);
  });

  it('what the names of elements tell: sharing, related texts, comments, cookies', () => {
    const html = `<body><div id="cookie-consent"><p>We use cookies and similar technologies to make this site better for you and for everyone else.</p></div>
      <div class="story"><h1>The harbor</h1><div class="share-buttons">Share this story</div><p>${P1}</p><p>${P2}</p>
      <div class="related-posts"><h3>Other stories</h3><p>A short text about another thing that has nothing to do with the harbor at all.</p></div></div>
      <div id="comments"><p>What a wonderful story this is, I have read it three times to my grandchildren since yesterday!</p></div></body>`;
    expect(textOf(html)).toBe(`The harbor\n${P1}\n${P2}`);
  });

  it('hidden parts, and text for screen readers only', () => {
    const html = `<article><p>${P1}</p><p style="color: red; display:none">${P3} Hidden.</p><p hidden>${P3}</p><p>${P2}<span class="sr-only"> (opens in a new window)</span></p></article>`;
    expect(textOf(html)).toBe(`${P1}\n${P2}`);
  });

  it('captions, and lists of links with their headings', () => {
    const html = `<article><p>${P1}</p><figure><img src="x"><figcaption>The harbor in the last century, seen from the church tower above it</figcaption></figure><p>${P2}</p>
      <h2>Places to go</h2><ul><li><a href="/1">The old bridge</a></li><li><a href="/2">The island in winter</a></li></ul></article>`;
    expect(textOf(html)).toBe(`${P1}\n${P2}`);
  });

  it('lines that announce other texts, in several languages', () => {
    for (const line of [
      'Read more: The island',
      'Lesen Sie auch: Die Insel',
      'Lire aussi : L’île',
      'Te puede interesar: La isla',
      'Photo: A. Photographer',
      '© 2024 The Village Times',
      'Mehr zum Thema',
    ]) {
      expect(textOf(`<article><p>${P1}</p><p>${line}</p><p>${P2}</p></article>`)).toBe(`${P1}\n${P2}`);
    }
    expect(
      textOf(
        `<article><p>${P1}</p><p>Read more than one book a year.</p><p>Readers know.</p><p>${P2}</p></article>`,
      ),
    ).toContain('Readers know.');
    expect(
      textOf(
        `<article><p>${P1}</p><p>Скачать книгу в PDF</p><p>Все права © у авторов этой книги.</p><p>${P2}</p></article>`,
      ),
    ).toBe(`${P1}\nСкачать книгу в PDF\nВсе права © у авторов этой книги.\n${P2}`);
  });
});

describe('what names say wrongly is not believed', () => {
  it('where the element holds most of the text', () => {
    expect(
      textOf(
        `<body class="has-sidebar"><div class="widget sidebar-layout"><p>${P1}</p><p>${P2}</p></div></body>`,
      ),
    ).toBe(`${P1}\n${P2}`);
    expect(textOf(`<form id="aspnetForm"><div><p>${P1}</p><p>${P2}</p></div></form>`)).toBe(`${P1}\n${P2}`);
  });

  it('for the words of a heading', () => {
    expect(
      textOf(
        `<article><h2 id="related-work">Related work</h2><p>${P1}</p><h2 id="comments-on-the-past">Comments on the past</h2><p>${P2}</p></article>`,
      ),
    ).toBe(`Related work\n${P1}\nComments on the past\n${P2}`);
  });
});

describe('the form of the text', () => {
  it('headings, lists, quotes and preformatted text', () => {
    const html = `<article><h1>Title</h1><p>${P1}</p><h2>Part</h2><ul><li>One thing</li><li><p>Another thing</p></li></ul><ol><li>First</li></ol>
<blockquote><p>${P2}</p></blockquote><pre>
  if (x) {
    y();
  }
</pre><p>${P3}</p></article>`;
    expect(textOf(html)).toBe(
      `Title\n${P1}\nPart\n- One thing\n- Another thing\n- First\n${P2}\n  if (x) {\n    y();\n  }\n${P3}`,
    );
  });

  it('links that work on the page are no text', () => {
    const html = `<article><h2>Part<span class="mw-editsection">[<a href="?edit">edit</a>]</span> <a class="headerlink" href="#part">¶</a></h2><p>${P1}</p><p>${P2}</p></article>`;
    expect(textOf(html)).toBe(`Part\n${P1}\n${P2}`);
  });

  it('tables: a row a line', () => {
    const html = `<article><p>${P1}</p><table><caption>Ships</caption><thead><tr><th>Name<th>Year</thead><tbody><tr><td>Anna</td><td>1901</td></tr><tr><td><p>Berta</p><td>1902</table><p>${P2}</p></article>`;
    expect(textOf(html)).toBe(`${P1}\nShips\nName | Year\nAnna | 1901\nBerta | 1902\n${P2}`);
  });

  it('whitespace is collapsed, line breaks stay, character references are decoded', () => {
    const html = `<article><p>  The   harbor\n\tand&nbsp;the<b> old</b> <i>bridge</i> &amp; more &lt;things&gt; &#8211; na&iuml;ve caf&eacute; &copy 2024,<br> <br>all of it&shy;self in one   place, for anyone to read.</p></article>`;
    expect(textOf(html)).toBe(
      'The harbor and the old bridge & more <things> – naïve café © 2024,\nall of itself in one place, for anyone to read.',
    );
  });

  it('letters of any script', () => {
    const text =
      '吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。';
    expect(textOf(`<body><nav><a href="/">ホーム</a></nav><div><p>${text}</p></div></body>`)).toBe(text);
  });

  it('a lead between headline and text belongs to it', () => {
    const html = `<main><header class="top"><h1>The harbor</h1><p class="teaser">${P3}</p></header><div class="article-body"><p>${P1}</p><p>${P2}</p></div></main>`;
    expect(textOf(html)).toBe(`${P3}\n${P1}\n${P2}`);
  });
});

describe('pages with several texts', () => {
  it('a thread: all posts, without what is said about who wrote them', () => {
    const post = (name: string, text: string): string =>
      `<div class="post"><div class="postprofile"><b>${name}</b><br>Member since 2009<br>Posts: 12</div><div class="postbody"><p>${text}</p></div><div class="postlinks"><a href="#">Quote</a></div></div>`;
    const html = `<div class="breadcrumb"><a href="/">Forum</a></div><div class="thread"><h1>Which way?</h1>${post('Willa', P1)}${post('Alban', P2)}${post('Ned', P3)}</div>`;
    expect(textOf(html)).toBe(`Which way?\n${P1}\n${P2}\n${P3}`);
  });

  it('of several marked elements one that holds nearly all is the text', () => {
    const html = `<div><div class="entry-content">${`<p>${P1}</p>`.repeat(8)}</div><div class="entry-content"><p>${P2}</p></div></div>`;
    expect(textOf(html)).toBe(Array.from({ length: 8 }, () => P1).join('\n'));
  });
});

describe('pages with little text', () => {
  it('give what there is', () => {
    expect(textOf('<p>Hello</p>')).toBe('Hello');
    expect(textOf('just text')).toBe('just text');
    expect(textOf('<nav><a href="/">Home</a></nav>')).toBe('');
    expect(textOf('<body><footer>Only a footer, but with some words</footer></body>')).toBe(
      'Only a footer, but with some words',
    );
    expect(textOf('')).toBe('');
  });
});

describe('metadata', () => {
  it('title, language and date', () => {
    const html = `<html lang="de-DE"><head><title>Der Hafen &ndash; Zeitung</title><meta property="og:title" content="Der Hafen"><meta property="article:published_time" content="2020-01-02T03:04:05Z"></head><body><p>${P1}</p></body></html>`;
    expect(extractMainText(html)).toMatchObject({
      title: 'Der Hafen',
      language: 'de-DE',
      published: '2020-01-02T03:04:05Z',
    });
    expect(
      extractMainText(
        `<title> A\n&amp; B </title><meta http-equiv="content-language" content="fr"><p>x</p><time datetime="2021-05-06">May</time>`,
      ),
    ).toMatchObject({ title: 'A & B', language: 'fr', published: '2021-05-06' });
    expect(extractMainText('<html lang="">')).toEqual({
      text: '',
      title: null,
      author: null,
      published: null,
      language: null,
      canonicalUrl: null,
      siteName: null,
      robots: null,
    });
    expect(
      extractMainText('<svg><title>Icon</title></svg><meta name="date" content="yesterday">'),
    ).toMatchObject({ title: null, published: null });
  });
});
