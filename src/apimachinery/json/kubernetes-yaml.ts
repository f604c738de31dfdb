// What plain words of YAML mean to Kubernetes (sigs.k8s.io/yaml), in the terms of the library that reads it: the rules of YAML 1.1
// (`yes` is true, `0644` is octal) with what Go adds to its numbers, and `<<` merges.
import type { DocumentOptions, ParseOptions, SchemaOptions, ToJSOptions } from 'yaml';

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

/** A number as sigs.k8s.io/yaml reads it: `0644` is octal, `1_000` a thousand, `08` eight; other text stays as it is. */
function numberOf(text: string): unknown {
  const bare = text.replaceAll('_', '');
  const [, sign = '', digits = ''] = /^([-+]?)(.*)$/.exec(bare) ?? [];
  const whole = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  if (/^(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|[1-9][0-9]*|0)$/.test(whole)) {
    const value = BigInt(whole) * (sign === '-' ? -1n : 1n);
    // 64 bits, with or without a sign.
    if (value >= -(2n ** 63n) && value < 2n ** 64n) return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  const value = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(bare) ? Number(bare) : Number.NaN;
  return Number.isFinite(value) ? value : text;
}

function plainScalars(tags: readonly { readonly tag?: string }[]): unknown[] {
  const isScalar = ({ tag = '' }) => /:(?:bool|int|float)$/.test(tag);
  const number = /^(?:[-+]?[0-9][0-9a-fA-FxXoO_.+-]*|[-+]?\.[0-9][0-9_eE+-]*)$/;
  return [
    plain('bool', /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/, () => true),
    plain('bool', /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/, () => false),
    plain('float', /^[-+]?\.(?:inf|Inf|INF)$/, (text) =>
      text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY,
    ),
    plain('float', /^\.(?:nan|NaN|NAN)$/, () => Number.NaN),
    plain('int', number, numberOf),
    plain('float', number, numberOf),
    { ...plain('binary', /^/, (text) => Buffer.from(text, 'base64').toString()), default: false },
    { ...plain('timestamp', /^/, (text) => text), default: false },
    ...tags.filter((tag) => !isScalar(tag)),
  ];
}

/** For `parse` and `parseAllDocuments` of the library. */
export const kubernetesYaml = { schema: 'core', merge: true, customTags: plainScalars } as ParseOptions &
  DocumentOptions &
  SchemaOptions &
  ToJSOptions;
