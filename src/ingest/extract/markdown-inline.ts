/** What runs within a line, as Markdown: emphasis, code and links out of the marks of a block. */
import { MARK } from './text-arena.js';

/** What relative addresses are relative to, where the address of the page is known. */
export interface LinkBase {
  readonly base: string | undefined;
}

const DELIMITERS: Readonly<Record<number, string>> = {
  [MARK.strong]: '**',
  [MARK.emphasis]: '*',
  [MARK.code]: '`',
};
const LAST = MARK.link + 1;
const MAX_ADDRESS_CHARS = 2000;

/** An opening that has not been closed: its mark, and what was written since. */
interface Open {
  readonly mark: number;
  text: string;
}

/**
 * @param marked text with marks
 * @param links addresses in the order in which links close; the first of this text is at `firstLink`
 * @param base undefined: links are their texts only
 */
export function renderInline(
  marked: string,
  links: readonly string[],
  firstLink: number,
  base: LinkBase | undefined,
): string {
  const stack: Open[] = [{ mark: 0, text: '' }];
  let link = firstLink;
  let start = 0;
  for (let at = 0; at <= marked.length; at++) {
    const code = at === marked.length ? 0 : marked.charCodeAt(at);
    if (at < marked.length && (code === 0 || code > LAST)) continue;
    append(stack, marked.slice(start, at));
    start = at + 1;
    if (at === marked.length) break;
    if (code % 2 === 1) stack.push({ mark: code, text: '' });
    else {
      const address = code - 1 === MARK.link ? (links[link++] ?? '') : '';
      if (stack.some(({ mark }) => mark === code - 1)) close(stack, code - 1, address, base);
    }
  }
  // What is open at the end of the block is closed elsewhere.
  while (stack.length > 1) append(stack, (stack.pop() as Open).text);
  return stack[0].text.trim();
}

/** Closes the innermost opening of a mark; what was opened in it and not closed is no more than its text. */
function close(stack: Open[], mark: number, address: string, base: LinkBase | undefined): void {
  let inner = '';
  for (;;) {
    const open = stack.pop() as Open;
    inner = open.text + inner;
    if (open.mark === mark) break;
  }
  const isNested = stack.some((open) => open.mark === mark || open.mark === MARK.code);
  const text = inner.trim();
  if (text === '' || isNested) {
    append(stack, inner);
    return;
  }
  const rendered = mark === MARK.link ? renderLink(text, address, base) : wrap(text, mark);
  // Space at the ends belongs outside, or the marks are none.
  const lead = inner.slice(0, inner.length - inner.trimStart().length);
  append(stack, `${lead}${rendered}${inner.slice(inner.trimEnd().length)}`);
}

/** A mark between two spaces leaves one of them. */
function append(stack: readonly Open[], text: string): void {
  const open = stack[stack.length - 1];
  open.text += open.text.endsWith(' ') && text.startsWith(' ') ? text.slice(1) : text;
}

function wrap(text: string, mark: number): string {
  if (mark !== MARK.code) return text.includes('\n') ? text : `${DELIMITERS[mark]}${text}${DELIMITERS[mark]}`;
  if (text.includes('\n')) return text;
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function renderLink(text: string, address: string, base: LinkBase | undefined): string {
  if (base === undefined || text.includes('\n')) return text;
  const target = resolveAddress(address.trim(), base.base);
  return target === undefined ? text : `[${text}](${target})`;
}

/** An address to follow: not one within the page, and none that runs something. */
function resolveAddress(address: string, base: string | undefined): string | undefined {
  if (address === '' || address.startsWith('#') || address.length > MAX_ADDRESS_CHARS) return undefined;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1].toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https' && scheme !== 'mailto')
    return undefined;
  // Without the address of the page a relative one stays what it is.
  const whole = scheme === undefined && base === undefined ? address : join(address, base);
  return whole?.replace(/[\s()<>]/g, (character) =>
    encodeURIComponent(character).replace('(', '%28').replace(')', '%29'),
  );
}

function join(address: string, base: string | undefined): string | undefined {
  try {
    return new URL(address, base).href;
  } catch {
    return undefined;
  }
}
