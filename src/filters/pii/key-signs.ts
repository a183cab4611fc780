/** Signs that a piece of a text may have a key of a service in it; `keys.ts` has their whole forms. */

/** Any of the prefixes of the keys. */
export const KEY_PREFIX = /A(?:KIA|SIA|Iza)|gh[pos]_|github_pat_|glpat-|hf_|npm_|sk-|sk_live_|xox/;
