// Takes manifests apart as kubectl does: YAML of several documents or JSON, Lists taken apart.
import { kubernetesYaml } from '../apimachinery/json/kubernetes-yaml.ts';
import { isObject } from '../apimachinery/json/value.ts';
import type { KubeObject } from '../apimachinery/object.ts';

/** What is wrong with a manifest, in one line that begins with `file:line:` where a line is to blame. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

const sources = new WeakMap<object, string>();

/** Where an object of a manifest stands: `file:line`, or the file alone for JSON. */
export function sourceOf(object: KubeObject): string | undefined {
  return sources.get(object);
}

/** A value of a file, where it stands, and the same of the items in it. */
interface Placed {
  readonly value: unknown;
  readonly at: string;
  readonly item: (index: number) => string;
}

function objectsIn({ value, at, item }: Placed): KubeObject[] {
  if (value === null || value === undefined) return [];
  if (!isObject(value) || typeof value.kind !== 'string') {
    throw new ManifestError(`${at}: a document without a kind is no Kubernetes object`);
  }
  if (value.kind.endsWith('List') && Array.isArray(value.items)) {
    const kind = value.kind.slice(0, -'List'.length);
    return value.items.flatMap((inner, index) => {
      const place = item(index);
      // A server leaves both out of the items of its lists.
      const ofList = 'apiVersion' in value ? { apiVersion: value.apiVersion, kind } : { kind };
      const own = isObject(inner) && kind !== '' && inner.kind === undefined ? { ...ofList, ...inner } : inner;
      return objectsIn({ value: own, at: place, item: () => place });
    });
  }
  const { metadata } = value;
  if (!isObject(metadata) || typeof metadata.name !== 'string') {
    throw new ManifestError(`${at}: ${whyNameless(value.kind, metadata)}`);
  }
  sources.set(value, at);
  return [value as unknown as KubeObject];
}

function whyNameless(kind: string, metadata: unknown): string {
  if (kind === 'Kustomization')
    return 'a Kustomization is no object of a cluster: give what `kubectl kustomize` makes of it, by -f -';
  const isGenerated = isObject(metadata) && typeof metadata.generateName === 'string';
  return isGenerated
    ? `a ${kind} has a metadata.generateName, and an apply takes none: give it a metadata.name`
    : `a ${kind} has no metadata.name`;
}

/** No text of JSON has a line's end between these within it. */
const betweenTexts = /(?<=\})\s*\n\s*(?=\{)/;

/** The fast way for what programs print, one text or several; undefined when it is no JSON, or no objects: YAML says where. */
function parseJson(text: string, file: string): KubeObject[] | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const values: unknown[] = text.split(betweenTexts).map((one) => JSON.parse(one));
    return values.flatMap((value) => objectsIn({ value, at: file, item: () => file }));
  } catch {
    return undefined;
  }
}

/** The objects of a text of YAML documents or JSON, in their order; `file` is its name in complaints. */
export async function parseManifests(text: string, file: string): Promise<KubeObject[]> {
  const json = parseJson(text, file);
  if (json) return json;
  const { isNode, LineCounter, parseAllDocuments } = await import('yaml');
  const lineCounter = new LineCounter();
  const place = (offset: number | undefined) =>
    offset === undefined ? file : `${file}:${lineCounter.linePos(offset).line}`;
  return [...parseAllDocuments(text, { ...kubernetesYaml, lineCounter })].flatMap((document) => {
    const [error] = document.errors;
    if (error) throw new ManifestError(`${place(error.pos[0])}: ${error.message.split(/ at line \d+|\n/)[0]}`);
    const item = (index: number) => {
      const node = document.getIn(['items', index], true);
      return place(isNode(node) ? node.range?.[0] : undefined);
    };
    const at = place(document.contents?.range?.[0]);
    return objectsIn({ value: unfolded(document, at), at, item });
  });
}

/** Aliases may stand for more than anybody can hold: there the library stops. */
function unfolded(document: { toJS(): unknown }, at: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new ManifestError(`${at}: ${(error as Error).message}`, { cause: error });
  }
}
