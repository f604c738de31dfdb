// kube-proxy's flags, read into a configuration.

import { parseGoDuration } from '../../apimachinery/duration.ts';
import { table } from '../../apimachinery/table.ts';
import { listOf } from '../settings.ts';
import { ConfigurationError } from './decode.ts';
import { allFields, type Field, healthzPort, type KubeProxyConfiguration, metricsPort, withPort } from './fields.ts';

/** The flags that set a field, each once, with the field that describes it. */
export function configurationFlags(): readonly (Field & { readonly flag: string })[] {
  const seen = new Map<string, Field & { readonly flag: string }>();
  for (const field of allFields) {
    const { flag } = field;
    if (flag !== undefined && !seen.has(flag)) seen.set(flag, { ...field, flag });
  }
  return [...seen.values()];
}

function refused(flag: string, text: string, why: string): ConfigurationError {
  return new ConfigurationError(`invalid argument ${JSON.stringify(text)} for "--${flag}" flag: ${why}`);
}

function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  return undefined;
}

function parseGates(flag: string, text: string): Readonly<Record<string, boolean>> {
  const pairs = text.split(',').filter((part) => part.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value, ...more] = pair.split('=').map((part) => part.trim());
      if (value === undefined || more.length > 0) throw refused(flag, text, `malformed pair, expect string=bool`);
      const parsed = parseBool(value);
      if (parsed === undefined) throw refused(flag, text, `invalid value of ${name}: ${value}, err: not a boolean`);
      return [name, parsed];
    }),
  );
}

/** What a flag says, as its field holds it. Throws a ConfigurationError in the words of Go's flag library. */
function readFlag({ flag, type }: Field & { readonly flag: string }, text: string): unknown {
  switch (type) {
    case 'string':
    case 'opaque':
      return text;
    case 'bool': {
      const value = parseBool(text);
      if (value === undefined)
        throw refused(flag, text, `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
      return value;
    }
    case 'int32': {
      const value = Number(text);
      if (!/^[+-]?\d+$/.test(text))
        throw refused(flag, text, `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
      if (Math.abs(value) >= 2 ** 31)
        throw refused(flag, text, `strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
      return value;
    }
    case 'float': {
      const value = Number(text);
      if (text.trim() !== '' && Number.isFinite(value)) return value;
      throw refused(flag, text, `strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    case 'duration': {
      const value = parseGoDuration(text);
      if (value !== undefined) return value;
      throw refused(flag, text, `time: invalid duration ${JSON.stringify(text)}`);
    }
    case 'strings':
      return listOf(text);
    case 'gates':
      return parseGates(flag, text);
  }
}

const addressPorts = table<number>({ 'healthz-bind-address': healthzPort, 'metrics-bind-address': metricsPort });

/** Sets what the given flags (by name, without dashes) say. Throws a ConfigurationError. */
export function withFlags(
  configuration: KubeProxyConfiguration,
  given: ReadonlyMap<string, string>,
): KubeProxyConfiguration {
  const values: Record<string, unknown> = { ...configuration };
  for (const field of allFields) {
    const { path, flag } = field;
    const text = flag === undefined ? undefined : given.get(flag);
    if (flag === undefined || text === undefined) continue;
    const value = readFlag({ ...field, flag }, text);
    const port = addressPorts[flag];
    values[path] = port === undefined ? value : withPort(String(value), port);
  }
  return withDeprecatedPorts(values as unknown as KubeProxyConfiguration, given);
}

/** Flags of old command lines, with what to use in their place. */
export const deprecatedFlags = table<string>({
  'healthz-port':
    'This flag is deprecated and will be removed in a future release. Please use --healthz-bind-address instead.',
  'metrics-port':
    'This flag is deprecated and will be removed in a future release. Please use --metrics-bind-address instead.',
});

/** As upstream does: 0 closes the server; another port counts only where the address has none, and it always has one. */
function withDeprecatedPorts(
  configuration: KubeProxyConfiguration,
  given: ReadonlyMap<string, string>,
): KubeProxyConfiguration {
  const off = (flag: string) => {
    const text = given.get(flag);
    if (text !== undefined && !/^\d+$/.test(text)) {
      throw refused(flag, text, `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    return text !== undefined && Number(text) === 0;
  };
  return {
    ...configuration,
    ...(off('healthz-port') && { healthzBindAddress: '' }),
    ...(off('metrics-port') && { metricsBindAddress: '' }),
  };
}
