/** What is left out of a page, each rule with a page where it holds and one where it must not. */
import { describe, expect, it } from 'vitest';
import { extractMainText } from '../../../src/ingest/extract/extract.js';

const P1 = 'The harbor and the old bridge have been there for as long as anyone in the village can remember.';
const P2 =
  'In winter the water freezes between the piers, and the children walk over to the island and back again.';
const OTHER =
  'Somebody wrote quite a different text here, long enough to be a paragraph of an article, but it is none.';
const MAIN = `${P1}\n${P2}`;

const textOf = (html: string, comments = false): string =>
  extractMainText(Buffer.from(html), { comments }).text;

/** An article with an element in its middle. */
const around = (element: string): string => `<article><p>${P1}</p>${element}<p>${P2}</p></article>`;
const filled = (attributes: string, tag = 'div'): string => `<${tag} ${attributes}><p>${OTHER}</p></${tag}>`;

describe('left out', () => {
  it.each([
    ['hidden by an attribute', filled('hidden')],
    ['hidden by a style', filled('style="color:red; display : none"')],
    ['invisible by a style', filled('style="VISIBILITY:hidden"')],
    ['hidden from screen readers', filled('aria-hidden="true"')],
    ['for screen readers only', filled('class="x sr-only"')],
    ['a cookie banner by its id', filled('id="cookie-notice"')],
    ['a cookie banner by its class', filled('class="gdpr-consent-box"')],
    ['a dialog by its role', filled('role="dialog"')],
    ['related texts', filled('class="related-articles"')],
    ['recommended texts', filled('class="article__recommended"')],
    ['comments', filled('class="comment-list"')],
    ['comments by schema.org', filled('itemprop="comment"')],
    ['sharing', filled('class="social-share"')],
    ['a newsletter form', filled('class="newsletter_signup"')],
    ['an advertisement', filled('class="ad"')],
    ['an aside', filled('', 'aside')],
    ['a footer', filled('', 'footer')],
    ['a form', filled('', 'form')],
    ['a menu', filled('', 'nav')],
    ['a figure', filled('', 'figure')],
  ])('%s', (_, element) => {
    expect(textOf(around(element))).toBe(MAIN);
  });
});

describe('kept', () => {
  const withIt = `${P1}\n${OTHER}\n${P2}`;

  it.each([
    ['a style that shows', filled('style="display: block"')],
    ['a style of another name', filled('style="x-display: none-such"')],
    ['shown to screen readers', filled('aria-hidden="false"')],
    ['a word in another word', filled('class="overhidden unrelated"')],
    ['a cook, not a cookie', filled('class="cooking"')],
    ['an adder, not an ad', filled('class="adder load"')],
    ['a commentary', filled('class="commentary"')],
    ['a role that is none of those', filled('role="note"')],
    ['another property of schema.org', filled('itemprop="commentCount"')],
    ['a section', filled('class="section"', 'section')],
    ['a header of a part', filled('', 'header')],
    ['a figure with a quote', `<figure><blockquote>${OTHER}</blockquote></figure>`],
  ])('%s', (_, element) => {
    expect(textOf(around(element))).toBe(withIt);
  });

  it.each(['hidden', 'cookie-banner', 'related', 'comments', 'share', 'newsletter', 'ads', 'sidebar'])(
    'an element named %s that holds the text of the page',
    (name) => {
      expect(textOf(`<body><div class="${name}"><p>${P1}</p><p>${P2}</p></div></body>`)).toBe(MAIN);
    },
  );
});

describe("readers' comments", () => {
  const comment = (name: string, text: string): string =>
    `<li class="comment"><div class="comment-author"><a href="/u/${name}">${name}</a></div><div class="comment-body"><p>${text}</p></div><a href="#reply">Reply</a></li>`;
  const page = `<div><article><h1>The harbor</h1><p>${P1}</p><p>${P2}</p></article>
    <section id="comments"><h3>2 comments</h3><ul>${comment('willa', 'I walked there as a child, and I remember every single stone of it.')}${comment('ned', 'So did I.')}</ul>
    <form class="comment-form"><p>Write what you think about it, as long as you are polite to everybody else here.</p></form></section>
    <footer><p>${OTHER}</p></footer></div>`;

  it('are no part of the text', () => {
    expect(textOf(page)).toBe(`The harbor\n${MAIN}`);
  });

  it('stand behind it where they are asked for, without names, links and forms', () => {
    expect(textOf(page, true)).toBe(
      `The harbor\n${MAIN}\nI walked there as a child, and I remember every single stone of it.\nSo did I.`,
    );
  });

  it('change nothing on a page that has none', () => {
    expect(textOf(around(filled('class="related"')), true)).toBe(MAIN);
  });
});
