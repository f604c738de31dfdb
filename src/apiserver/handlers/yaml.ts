// YAML as kube-apiserver reads it: the rules of YAML 1.1 for plain scalars (`yes` is true, `0644` is octal), one document,
// repeated keys noted by line. The library is loaded with the first such body.
import { parseExactly } from '../../apimachinery/json/int64.ts';
import { badRequest } from '../../apimachinery/status.ts';

export interface ParsedYaml {
  readonly value: unknown;
  /** `line 3: key "name" already set in map`: the last value stands. */
  readonly repeatedKeys: readonly string[];
}

/** In the words of upstream's library where this one says how it works inside. */
function whyNot(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return why.startsWith('Maximum call stack') ? 'exceeded max depth of 10000' : why;
}

/** Throws a StatusError 400 for what is no YAML. */
export async function parseYaml(text: string): Promise<ParsedYaml> {
  const { isMap, isScalar, LineCounter, parseAllDocuments, visit } = await import('yaml');
  try {
    const lines = new LineCounter();
    const options = {
      schema: 'core',
      merge: true,
      uniqueKeys: false,
      intAsBigInt: true,
      customTags: plainScalars,
      lineCounter: lines,
    };
    const documents = parseAllDocuments(text, options as object);
    const [document] = 'empty' in documents ? [] : documents;
    if (!document) return { value: null, repeatedKeys: [] };
    const [error] = document.errors;
    if (error) throw error;
    const repeatedKeys: string[] = [];
    visit(document, {
      Map(_, map) {
        const seen = new Set<unknown>();
        for (const { key, value } of map.items) {
          const name = isScalar(key) ? key.value : undefined;
          if (name === undefined || name === '<<') continue;
          const at =
            (isScalar(value) || isMap(value) ? value.range : undefined) ?? (isScalar(key) ? key.range : undefined);
          if (seen.has(name)) {
            const { line } = lines.linePos(at?.[0] ?? 0);
            repeatedKeys.push(`line ${line}: key ${JSON.stringify(name)} already set in map`);
          }
          seen.add(name);
        }
      },
    });
    // Only what JSON can say; an alias bomb ends at the library's own limit.
    return { value: parseExactly(JSON.stringify(document.toJS() ?? null)), repeatedKeys };
  } catch (error) {
    // The lines below the first show the place in the text.
    const [why = ''] = whyNot(error).split('\n');
    throw badRequest(`error converting YAML to JSON: yaml: ${why.replace(/:$/, '')}`);
  }
}

interface ScalarTag {
  readonly tag: string;
  readonly default: true;
  readonly test: RegExp;
  readonly resolve: (text: string) => unknown;
}

const plain = (tag: string, test: RegExp, resolve: ScalarTag['resolve']): ScalarTag => ({
  tag: `tag:yaml.org,2002:${tag}`,
  default: true,
  test,
  resolve,
});

/** What YAML 1.1 reads as numbers and booleans and YAML 1.2 as text. */
function plainScalars(tags: readonly unknown[]): unknown[] {
  const sign = (text: string) => (text.startsWith('-') ? -1 : 1);
  const digits = (text: string, prefix: RegExp) => text.replace(/^[-+]/, '').replace(prefix, '').replaceAll('_', '');
  return [
    plain('bool', /^(?:y|Y|yes|Yes|YES|on|On|ON)$/, () => true),
    plain('bool', /^(?:n|N|no|No|NO|off|Off|OFF)$/, () => false),
    plain('int', /^[-+]?0[0-7_]+$/, (text) => sign(text) * Number.parseInt(digits(text, /^0/), 8)),
    plain('int', /^[-+]?0b[01_]+$/, (text) => sign(text) * Number.parseInt(digits(text, /^0b/), 2)),
    plain('int', /^[-+]?[1-9][0-9]*_[0-9_]*$/, (text) => sign(text) * Number(digits(text, /^/))),
    ...tags,
  ];
}
