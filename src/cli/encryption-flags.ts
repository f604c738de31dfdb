// The flags of encryption at rest, named as kube-apiserver's.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { EncryptionConfig } from '../cluster/encryption.ts';
import { isTrue, usage } from './flag-values.ts';

export interface EncryptionOptions {
  readonly encryptionProviderConfig?: string;
  readonly encryptionProviderConfigAutomaticReload?: string | true;
}

export function encryptionOptions(command: Command): void {
  command
    .option(
      '--encryption-provider-config <file>',
      'EncryptionConfiguration: which resources are stored encrypted, with which keys',
    )
    .option(
      '--encryption-provider-config-automatic-reload [bool]',
      'read that file again when it changes (default: false)',
    );
}

/** Throws a Failure for a flag that makes no sense. */
export function encryptionConfig(options: EncryptionOptions): { readonly encryption?: EncryptionConfig } {
  const { encryptionProviderConfig: file, encryptionProviderConfigAutomaticReload: reload = 'false' } = options;
  const isReloaded = isTrue('--encryption-provider-config-automatic-reload', reload);
  if (file === undefined) {
    if (!isReloaded) return {};
    const why = 'must be set with --encryption-provider-config';
    throw usage(`--encryption-provider-config-automatic-reload ${why}`);
  }
  return { encryption: { file: resolve(file), isReloaded } };
}
