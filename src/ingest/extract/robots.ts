/**
 * What a page allows robots: the directives of `meta name=robots` and of the header X-Robots-Tag, which are one
 * language. Among them `noai` and `noimageai`, by which authors ask not to be trained on.
 */

/** Directives that have a value behind a colon; any other colon ends the name of the robot that is addressed. */
const WITH_VALUE = new Set(['unavailable_after', 'max-snippet', 'max-image-preview', 'max-video-preview']);
const MAX_DIRECTIVES = 50;
const MAX_CHARS = 2000;

/** Directives for every robot, in alphabetical order and once each; those for a certain robot are left out. */
export function robotsDirectives(...values: readonly (string | null | undefined)[]): string | null {
  const directives = new Set<string>();
  for (const value of values) {
    for (const part of (value ?? '').slice(0, MAX_CHARS).toLowerCase().split(',')) {
      const directive = part.trim();
      const colon = directive.indexOf(':');
      // What follows is for that robot too.
      if (colon !== -1 && !WITH_VALUE.has(directive.slice(0, colon).trim())) break;
      if (directive !== '' && directives.size < MAX_DIRECTIVES) directives.add(directive);
    }
  }
  return directives.size === 0 ? null : [...directives].sort().join(', ');
}
