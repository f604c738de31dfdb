// The file of `--admission-control-config-file` (apiserver.config.k8s.io AdmissionConfiguration): what plugins are configured
// with. Loaded only where the flag is given.
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { errorMessage } from '../apimachinery/error-message.ts';
import {
  checkPodSecurityConfiguration,
  type PodSecurityConfiguration,
} from '../apiserver/admission/pod-security/configuration.ts';
import { Failure } from './failure.ts';
import { readGiven } from './flag-file.ts';

export interface AdmissionConfig {
  readonly podSecurity?: PodSecurityConfiguration;
}

interface PluginEntry {
  readonly name?: unknown;
  readonly configuration?: unknown;
  /** A file with the configuration, relative to the one that names it. */
  readonly path?: unknown;
}

/** Throws a Failure that names the file and what is wrong with it. */
export async function readAdmissionConfig(path: string): Promise<AdmissionConfig> {
  try {
    const { apiVersion, kind, plugins = [] } = (await readYaml(path)) as Readonly<Record<string, unknown>>;
    if (
      !/^apiserver\.config\.k8s\.io\/v1(alpha1|beta1)?$/.test(String(apiVersion)) ||
      kind !== 'AdmissionConfiguration'
    ) {
      throw new Error('expected apiVersion apiserver.config.k8s.io/v1 and kind AdmissionConfiguration');
    }
    if (!Array.isArray(plugins)) throw new Error('plugins: must be a list');
    let config: AdmissionConfig = {};
    for (const [i, entry] of (plugins as readonly PluginEntry[]).entries()) {
      if (entry?.name !== 'PodSecurity') throw new Error(`plugins[${i}].name: only PodSecurity has a configuration`);
      const { configuration, path: file } = entry;
      const own = typeof file === 'string' ? await readYaml(resolve(dirname(path), file)) : configuration;
      if (own !== undefined && own !== null) config = { podSecurity: checkPodSecurityConfiguration(own) };
    }
    return config;
  } catch (error) {
    throw new Failure(`--admission-control-config-file ${path}: ${errorMessage(error)}`, { cause: error, exitCode: 2 });
  }
}

async function readYaml(path: string): Promise<unknown> {
  return parse(await readGiven(path)) ?? {};
}
