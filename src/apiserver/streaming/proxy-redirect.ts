// Where the redirects of what is proxied lead (upstream's proxy.Transport): its own places are below the proxy's path.

export interface ProxiedPlace {
  /** The path of the proxy, `/api/v1/…/proxy`. */
  readonly base: string;
  /** What the target is asked as: `http://10.244.1.5:8080`. */
  readonly origin: string;
}

/** The `Location` for the client: as it was, unless it names a path of the target, with or without the target's own host. */
export function redirectThrough(location: string, { base, origin }: ProxiedPlace): string {
  const path = location.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*/i, '');
  if (!path.startsWith('/') || URL.parse(location, origin)?.host !== new URL(origin).host) return location;
  // A target that goes by X-Forwarded-Uri knows its place already.
  return path.startsWith(base) ? path : base + path;
}
