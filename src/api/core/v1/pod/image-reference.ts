// Names of images, as distribution/reference reads them: [domain/]path[:tag][@digest].

const component = '[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${component}(?:/${component})*$`);
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const domainPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?$`);
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

interface ImageReference {
  readonly domain?: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Where the parts are, valid or not. */
function split(image: string): ImageReference {
  const at = image.indexOf('@');
  const name = at < 0 ? image : image.slice(0, at);
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  const repository = colon < 0 ? name : name.slice(0, colon);
  const slash = repository.indexOf('/');
  const first = repository.slice(0, Math.max(0, slash));
  const hasDomain = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  return {
    path: hasDomain ? repository.slice(slash + 1) : repository,
    ...(hasDomain && { domain: first }),
    ...(colon >= 0 && { tag: name.slice(colon + 1) }),
    ...(at >= 0 && { digest: image.slice(at + 1) }),
  };
}

/** Why a text is no image reference, in the words of distribution/reference; undefined for one that is. */
export function invalidReference(image: string): string | undefined {
  if (/^[a-f0-9]{64}$/.test(image)) {
    return `invalid repository name (${image}), cannot specify 64-byte hexadecimal strings`;
  }
  const { domain, path, tag, digest } = split(image);
  const isRest =
    (domain === undefined || domainPattern.test(domain)) &&
    (tag === undefined || tagPattern.test(tag)) &&
    (digest === undefined || digestPattern.test(digest));
  if (pathPattern.test(path) && isRest) return undefined;
  const onlyCase = path !== path.toLowerCase() && pathPattern.test(path.toLowerCase());
  return `invalid reference format${onlyCase ? ': repository name must be lowercase' : ''}`;
}

/**
 * An image without a tag, or tagged `latest`, is looked for anew each time; a fixed one is not.
 * Nor is what cannot be read, as upstream does.
 */
export function imagePullPolicy(image: string): 'Always' | 'IfNotPresent' {
  if (invalidReference(image) !== undefined) return 'IfNotPresent';
  const { tag, digest } = split(image);
  return tag === 'latest' || (tag === undefined && digest === undefined) ? 'Always' : 'IfNotPresent';
}
