// The configuration of `portico proxy`: its file, and the flags that win over it.
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { aggregate } from '../apimachinery/aggregate.ts';
import { fieldErrorMessage } from '../apimachinery/validation/field-error.ts';
import { ConfigurationError, decodeConfiguration } from '../proxy/configuration/decode.ts';
import { defaultConfiguration, type KubeProxyConfiguration } from '../proxy/configuration/fields.ts';
import { configurationFlags, deprecatedFlags, withFlags } from '../proxy/configuration/flags.ts';
import { warningsOf } from '../proxy/configuration/to-settings.ts';
import { validateConfiguration } from '../proxy/configuration/validate.ts';
import { usage } from './flag-values.ts';

const valueNames = {
  string: '<text>',
  bool: '[bool]',
  int32: '<int>',
  float: '<number>',
  duration: '<duration>',
  strings: '<list>',
  gates: '<gates>',
  opaque: '<value>',
} as const;

/** Flags of kube-proxy's that are taken and change nothing here. */
const acceptedFlags = ['log-json-info-buffer-size', 'log-text-info-buffer-size', 'boot-id-file', 'machine-id-file'];
const acceptedSwitches = ['log-json-split-stream', 'log-text-split-stream'];

const collect = (value: string, earlier: string | undefined) => (earlier === undefined ? value : `${earlier},${value}`);

/** Adds kube-proxy's flags to the command: all, or those that are named. */
export function addConfigurationFlags(command: Command, only?: readonly string[]): void {
  for (const { flag, type, help = '' } of configurationFlags()) {
    if (only && !only.includes(flag)) continue;
    const dashes = flag.length === 1 ? `-${flag}, --${flag}` : `--${flag}`;
    const option = new Option(`${dashes} ${valueNames[type]}`, help);
    // Lists may come in several flags as well as in one.
    command.addOption(type === 'strings' ? option.argParser(collect) : option);
  }
  if (only) return;
  for (const [flag, advice] of Object.entries(deprecatedFlags)) {
    command.addOption(new Option(`--${flag} <port>`, advice).hideHelp());
  }
  for (const flag of acceptedFlags) command.addOption(new Option(`--${flag} <value>`).hideHelp());
  for (const flag of acceptedSwitches) command.addOption(new Option(`--${flag} [bool]`).hideHelp());
}

/** The flags that were given, by their names without dashes; of all options of the command, or those that are named. */
export function givenFlags(command: Command, only?: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const option of command.options) {
    if (only && !only.includes(option.name())) continue;
    if (command.getOptionValueSource(option.attributeName()) !== 'cli') continue;
    const value: unknown = command.getOptionValue(option.attributeName());
    // Commander leaves the sign in `-v=2`.
    given.set(option.name(), String(value).replace(option.name() === 'v' ? /^=/ : /^(?!)/, ''));
  }
  return given;
}

export interface ReadConfiguration {
  readonly configuration: KubeProxyConfiguration;
  /** For the operator, a line each. */
  readonly warnings: readonly string[];
}

/** Throws a Failure when the file or a flag is not as it must be. */
export async function readConfiguration(
  given: ReadonlyMap<string, string>,
  file: string | undefined,
): Promise<ReadConfiguration> {
  try {
    const { configuration: base, unknown } = await baseOf(file);
    const configuration = named(withFlags(base, given), given);
    const errors = validateConfiguration(configuration).map(fieldErrorMessage);
    if (errors.length > 0) throw new ConfigurationError(`failed validate: ${aggregate(errors)}`);
    const lenient = unknown.length > 0 ? [`${file}: strict decoding error: ${unknown.join(', ')}: left out`] : [];
    const deprecated = Object.entries(deprecatedFlags)
      .filter(([flag]) => given.has(flag))
      .map(([flag, advice]) => `Flag --${flag} has been deprecated, ${advice}`);
    return { configuration, warnings: [...lenient, ...deprecated, ...warningsOf(configuration)] };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw usage(error.message, error);
  }
}

async function baseOf(file: string | undefined) {
  if (file === undefined) return { configuration: defaultConfiguration(), unknown: [] };
  const text = readConfigurationFile(file);
  try {
    const { parse } = await import('yaml');
    return decodeConfiguration(parse(text));
  } catch (error) {
    const [line = ''] = error instanceof Error ? error.message.split('\n') : [];
    throw new ConfigurationError(`${file}: ${line.replace(/:$/, '')}`, { cause: error });
  }
}

/** Throws a ConfigurationError when the file cannot be read. */
export function readConfigurationFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new ConfigurationError(`${file}: ${missing ? 'no such file' : String(error)}`, { cause: error });
  }
}

/** As upstream takes names: without blanks around, in lower case. */
function named(configuration: KubeProxyConfiguration, given: ReadonlyMap<string, string>): KubeProxyConfiguration {
  const hostnameOverride = configuration.hostnameOverride.trim().toLowerCase();
  if (hostnameOverride === '' && (given.get('hostname-override') ?? '') !== '') {
    throw new ConfigurationError('empty hostname-override is invalid');
  }
  return { ...configuration, hostnameOverride };
}
