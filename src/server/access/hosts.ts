/**
 * Which names and origins a request may carry. A page of another site can make a browser send requests to a service on
 * loopback (DNS rebinding, cross-site forms); its Host or its Origin gives it away.
 */

/** Whether an address to bind to is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Name of a Host header without its port; IPv6 addresses without their brackets. Undefined where it is not one. */
export function hostName(header: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

/** Whether a service that is bound to `bound` answers to this Host. */
export function isHostAllowed(
  header: string | undefined,
  bound: string,
  allowed: readonly string[],
): boolean {
  const name = header === undefined ? undefined : hostName(header);
  if (name === undefined) return false;
  if (allowed.some((host) => host.toLowerCase() === name)) return true;
  // Bound elsewhere the service has names that it cannot know, and asks for tokens, which no other site has.
  return isLoopback(name) || (!isLoopback(bound) && allowed.length === 0);
}

/** Whether a page of `origin` may make this request: its own, or one that the settings name. */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined || allowed.includes(origin)) return true;
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
