// YAML as kube-apiserver reads it: one document, repeated keys noted by line. The library is loaded with the first such body.

import { goSyntax } from '../../apimachinery/json/go-text.ts';
import { parseExactly } from '../../apimachinery/json/int64.ts';
import { kubernetesYaml } from '../../apimachinery/json/kubernetes-yaml.ts';
import { badRequest } from '../../apimachinery/status.ts';
import { upstreamWords, type YamlProblem } from './yaml-errors.ts';

export interface ParsedYaml {
  readonly value: unknown;
  /** `line 3: key "name" already set in map`: the last value stands. */
  readonly repeatedKeys: readonly string[];
}

/** In the words of upstream's library as far as they are known. */
function whyNot(error: unknown, text: string): string {
  const { message, pos = [] } = error as YamlProblem;
  if (message.startsWith('Maximum call stack')) return 'exceeded max depth of 10000';
  // The lines below the first show the place in the text.
  const [why = ''] = message.split('\n');
  return upstreamWords({ message: why.replace(/ at line \d+, column \d+:?$/, ''), pos }, text) ?? why.replace(/:$/, '');
}

/** Maps of YAML have keys of any type. */
function goSyntaxOfYaml(value: unknown): string {
  return goSyntax(value).replaceAll('map[string]', 'map[interface {}]');
}

/** What JSON has no word for; the message is that of Go's encoder or of sigs.k8s.io/yaml. */
class NoJsonError extends Error {}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controlCharacter = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

/** Throws a StatusError 400 for what is no YAML. */
export async function parseYaml(text: string): Promise<ParsedYaml> {
  const { isCollection, isScalar, LineCounter, parseAllDocuments, visit } = await import('yaml');
  try {
    if (controlCharacter.test(text)) throw new Error('control characters are not allowed');
    const lines = new LineCounter();
    const documents = parseAllDocuments(text, { ...kubernetesYaml, uniqueKeys: false, lineCounter: lines });
    const [document] = 'empty' in documents ? [] : documents;
    if (!document) return { value: null, repeatedKeys: [] };
    const error = document.errors.find((one) => isFatal(one, { text, contents: document.contents }));
    if (error) throw error;
    const repeated: { readonly text: string; readonly end: number }[] = [];
    visit(document, {
      Scalar(_, { value, tag = '' }) {
        const type = /^tag:yaml.org,2002:(int|float|bool|null)$/.exec(tag)?.[1];
        if (type !== undefined && typeof value === 'string') {
          throw new Error(`cannot decode !!str \`${value}\` as a !!${type}`);
        }
        if (typeof value === 'number' && !Number.isFinite(value)) {
          const name = value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN';
          throw new NoJsonError(`json: unsupported value: ${name}`);
        }
      },
      Map(_, map) {
        const seen = new Set<unknown>();
        for (const { key, value } of map.items) {
          const name = isScalar(key) ? key.value : undefined;
          if (isCollection(key)) throw new Error(`invalid map key: ${goSyntaxOfYaml(key.toJS(document))}`);
          if (name === null) {
            const held = isScalar(value) && value.value !== null ? goSyntax(value.value) : '<nil>';
            throw new NoJsonError(`unsupported map key of type: %!s(<nil>), key: <nil>, value: ${held}`);
          }
          if (name === undefined || name === '<<') continue;
          const at =
            (isScalar(value) || isCollection(value) ? value.range : undefined) ??
            (isScalar(key) ? key.range : undefined);
          if (seen.has(name)) {
            const { line } = lines.linePos(at?.[0] ?? 0);
            repeated.push({ text: `line ${line}: key ${JSON.stringify(name)} already set in map`, end: at?.[1] ?? 0 });
          }
          seen.add(name);
        }
      },
    });
    // A key is set once its value has been read: what is in that is told first.
    const repeatedKeys = repeated
      .reverse()
      .sort((a, b) => a.end - b.end)
      .map(({ text }) => text);
    // Only what JSON can say; an alias bomb ends at the library's own limit.
    return { value: parseExactly(JSON.stringify(document.toJS() ?? null)), repeatedKeys };
  } catch (error) {
    if (error instanceof NoJsonError) throw badRequest(`error converting YAML to JSON: ${error.message}`);
    throw badRequest(`error converting YAML to JSON: yaml: ${whyNot(error, text)}`);
  }
}

/**
 * Upstream's library reads one document and stops: what follows a document that is no block is not looked at. Nor does it mind
 * where a closing bracket stands.
 */
function isFatal(
  { code, message, pos }: { readonly code: string; readonly message: string; readonly pos: readonly number[] },
  { text, contents }: { readonly text: string; readonly contents: unknown },
): boolean {
  const [at = 0] = pos;
  if (code === 'BAD_INDENT') {
    const bracket = /end with a ([\]}])/.exec(message)?.[1];
    return bracket === undefined || text[at] !== bracket;
  }
  if (code !== 'UNEXPECTED_TOKEN' || !/ at node end|in YAML stream/.test(message)) return true;
  const { range, flow, items } = (contents ?? {}) as { range?: readonly number[]; flow?: boolean; items?: unknown };
  const isBlock = items !== undefined && !flow;
  return isBlock || !range || at < (range[1] ?? 0);
}
