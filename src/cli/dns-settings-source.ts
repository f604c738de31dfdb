// Where `portico dns` has its settings from: flags, a file, resolv.conf; and how it learns that they changed.
import { watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { errorMessage } from '../apimachinery/error-message.ts';
import { type DnsSettings, parseSettings, type SettingsTexts } from '../dns/settings.ts';
import type { Files } from '../system/files.ts';
import { usage } from './flag-values.ts';

const resolvConfFile = '/etc/resolv.conf';
/** Milliseconds after a change of a file in which more changes are taken together. */
const settleMs = 50;

export interface SettingsSourceOptions {
  readonly files: Files;
  readonly log: (message: string) => void;
}

export class SettingsSource {
  readonly #flags: SettingsTexts & { readonly config?: string };
  readonly #options: SettingsSourceOptions;
  #texts = '';

  constructor(flags: SettingsTexts & { readonly config?: string }, options: SettingsSourceOptions) {
    this.#flags = flags;
    this.#options = options;
  }

  /** The settings as they are now. Rejects with a usage failure that says what is wrong with them. */
  async read(): Promise<DnsSettings> {
    const { files } = this.#options;
    const { config, upstream, stub, ttl } = this.#flags;
    const resolvConf = (await files.read(resolvConfFile)) ?? '';
    const text = config === undefined ? '' : await files.read(resolve(config));
    if (text === undefined) throw usage(`--config: there is no file ${config}`);
    const inFile = config === undefined ? {} : await settingsInFile(config, text);
    const parsed = parseSettings({ upstream, stub, ttl, ...inFile }, resolvConf);
    if (parsed.kind === 'wrong') throw usage(`${config === undefined ? '--' : `${config}: `}${parsed.message}`);
    this.#texts = `${resolvConf}\0${text}`;
    return parsed.settings;
  }

  /** Tells of changed settings, after SIGHUP and when a file changes; wrong ones are logged, and those before stay in force. */
  follow(changed: (settings: DnsSettings) => void, signal: AbortSignal): void {
    const reload = async (asked: 'by-signal' | 'by-file'): Promise<void> => {
      const before = this.#texts;
      try {
        const settings = await this.read();
        if (asked === 'by-file' && this.#texts === before) return;
        changed(settings);
        this.#options.log('the settings were read again');
      } catch (error) {
        this.#options.log(`the settings stay as they were: ${errorMessage(error)}`);
      }
    };
    const onSignal = () => void reload('by-signal');
    process.on('SIGHUP', onSignal);
    signal.addEventListener('abort', () => process.off('SIGHUP', onSignal), { once: true });
    const { config, upstream } = this.#flags;
    if (config !== undefined) this.#watch(resolve(config), () => void reload('by-file'), signal);
    if (upstream === undefined) this.#watch(resolvConfFile, () => void reload('by-file'), signal);
  }

  /** Watches the folder: files are replaced by renaming, and those of a mounted ConfigMap by a link elsewhere. */
  #watch(file: string, changed: () => void, signal: AbortSignal): void {
    let settle: NodeJS.Timeout | undefined;
    const failed = (error: unknown) => {
      if (!signal.aborted) this.#options.log(`changes of ${file} are not seen: ${errorMessage(error)}`);
    };
    try {
      const watcher = watch(dirname(file), { signal }, (_, name) => {
        if (name !== null && name !== basename(file) && !name.startsWith('..')) return;
        clearTimeout(settle);
        settle = setTimeout(changed, settleMs);
      });
      watcher.on('error', failed);
    } catch (error) {
      // Of a machine that has no more watches to give, it is thrown.
      failed(error);
    }
  }
}

const known = ['upstream', 'stub', 'ttl'];

async function settingsInFile(file: string, text: string): Promise<SettingsTexts> {
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (error) {
    throw usage(`${file}: ${error instanceof Error ? error.message.split('\n')[0]?.replace(/:$/, '') : error}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw usage(`${file}: must be a mapping`);
  // An empty file is mostly one that is just being written.
  if (Object.keys(value).length === 0) throw usage(`${file}: holds no settings`);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw usage(`${file}: ${unknown} is none of ${known.join(', ')}`);
  const { upstream, stub, ttl } = value as Record<string, unknown>;
  return {
    ...(upstream !== undefined && { upstream: textsOf(file, 'upstream', upstream) }),
    ...(stub !== undefined && { stub: textsOf(file, 'stub', stub) }),
    ...(ttl !== undefined && { ttl: String(ttl) }),
  };
}

function textsOf(file: string, key: string, value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw usage(`${file}: ${key} must be a list of texts`);
}
