/**
 * The main text of an HTML page: what its author wrote for readers, without what surrounds it on the site.
 *
 * page -> tree of blocks -> pruned by structure and names -> main region -> blocks that are text -> plain text.
 * Ideas come from boilerpipe (Kohlschütter et al. 2010: text and link density of blocks), jusText (Pomikálek 2011:
 * context of short blocks), Readability (going to the element that holds the paragraphs) and trafilatura (Barbaresi
 * 2021: names of elements). Everything is linear in the page.
 */
import { buildTree } from './build-tree.js';
import { chooseBlocks } from './choose-blocks.js';
import { findMainRegion } from './main-region.js';
import type { PageMetadata } from './metadata.js';
import type { PageElement, PageTree, TextBlock } from './page-tree.js';
import { prune, restoreComments } from './prune.js';
import { renderMarkdown } from './render-markdown.js';
import { renderBlocks } from './render.js';

/** Less text than this makes one doubt that it is the main text of the page. */
const LITTLE_TEXT = 200;
/** A broader choice must bring this many times as much to be preferred. */
const MUCH_MORE = 2;

export interface MainText extends PageMetadata {
  readonly text: string;
}

export interface ExtractOptions {
  /** Form of the text. Default: plain text. */
  readonly form?: 'text' | 'markdown';
  /** Whether Markdown has the addresses of links. */
  readonly links?: boolean;
  /** Whether readers' comments are part of the text; they stand behind it. */
  readonly comments?: boolean;
  /** Address of the page, for relative links. */
  readonly url?: string | undefined;
}

/** @param page in valid UTF-8 */
export function extractMainText(page: Buffer, options: ExtractOptions = {}): MainText {
  const isMarkdown = options.form === 'markdown';
  const tree = buildTree(page, { marks: isMarkdown });
  const blocks = selectBlocks(tree, options.comments === true);
  const text = isMarkdown
    ? renderMarkdown(tree, blocks, { links: options.links === true ? { base: options.url } : undefined })
    : renderBlocks(blocks);
  return { text, ...tree.metadata };
}

function selectBlocks(tree: PageTree, withComments: boolean): readonly TextBlock[] {
  const pruned = prune(tree);
  const main = selectMain(tree, pruned.texts);
  if (!withComments || pruned.comments.length === 0) return main;
  restoreComments(tree, pruned.comments);
  // Where there is little text, comments may be in it already.
  const taken = new Set(main);
  const comments = pruned.comments.flatMap((element) => chooseBlocks(tree, element, isPruned));
  return [...main, ...comments.filter((block) => !taken.has(block))];
}

/** The main text; where that is little, all that is not pruned; where that is little too, all that can be seen. */
function selectMain(tree: PageTree, texts: readonly PageElement[]): readonly TextBlock[] {
  const { element, lead } = findMainRegion(tree, texts);
  const main = [...lead, ...chooseBlocks(tree, element, isPruned)];
  const size = sizeOf(main);
  if (size >= LITTLE_TEXT) return main;
  const broad = chooseBlocks(tree, tree.root, isPruned);
  if (sizeOf(broad) > MUCH_MORE * size && sizeOf(broad) >= LITTLE_TEXT) return broad;
  const all = chooseBlocks(tree, tree.root, isUnseen);
  if (sizeOf(all) > MUCH_MORE * size) return all;
  return size > 0 ? main : tree.blocks;
}

const isPruned = (element: PageElement): boolean => element.isPruned;
const isUnseen = (element: PageElement): boolean => element.isUnseen;

function sizeOf(blocks: readonly TextBlock[]): number {
  return blocks.reduce((sum, { size }) => sum + size, 0);
}
