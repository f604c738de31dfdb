// `--requestheader-*` of `portico server`, as kube-apiserver has them.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { FrontProxyConfig } from '../cluster/front-proxy.ts';
import { repeatedLists, usage } from './flag-values.ts';

export interface FrontProxyFlags {
  readonly requestheaderClientCaFile?: string;
  readonly requestheaderAllowedNames?: string[];
  readonly requestheaderUsernameHeaders?: string[];
  readonly requestheaderUidHeaders?: string[];
  readonly requestheaderGroupHeaders?: string[];
  readonly requestheaderExtraHeadersPrefix?: string[];
}

export function frontProxyOptions(command: Command): void {
  command
    .option('--requestheader-client-ca-file <file>', 'authorities of proxies that say in headers who asks')
    .option(
      '--requestheader-allowed-names <names>',
      "common names of such proxies' certificates (default: any)",
      repeatedLists,
    )
    .option('--requestheader-username-headers <names>', 'headers of the user (default: X-Remote-User)', repeatedLists)
    .option('--requestheader-uid-headers <names>', "headers of the user's uid (default: X-Remote-Uid)", repeatedLists)
    .option('--requestheader-group-headers <names>', 'headers of groups (default: X-Remote-Group)', repeatedLists)
    .option(
      '--requestheader-extra-headers-prefix <prefixes>',
      'what headers of further fields start with (default: X-Remote-Extra-)',
      repeatedLists,
    );
}

/** Fails with exit code 2 for an empty name; files are read later. */
export function frontProxyConfig(flags: FrontProxyFlags): FrontProxyConfig {
  const lists = {
    '--requestheader-allowed-names': flags.requestheaderAllowedNames,
    '--requestheader-username-headers': flags.requestheaderUsernameHeaders,
    '--requestheader-uid-headers': flags.requestheaderUidHeaders,
    '--requestheader-group-headers': flags.requestheaderGroupHeaders,
    '--requestheader-extra-headers-prefix': flags.requestheaderExtraHeadersPrefix,
  };
  for (const [flag, names] of Object.entries(lists)) {
    if (names?.includes('')) throw usage(`${flag}: a name is empty`);
  }
  const [allowedNames, usernameHeaders, uidHeaders, groupHeaders, extraHeaderPrefixes] = Object.values(lists);
  return {
    ...(flags.requestheaderClientCaFile !== undefined && { caFile: resolve(flags.requestheaderClientCaFile) }),
    ...(allowedNames && { allowedNames }),
    ...(usernameHeaders && { usernameHeaders }),
    ...(uidHeaders && { uidHeaders }),
    ...(groupHeaders && { groupHeaders }),
    ...(extraHeaderPrefixes && { extraHeaderPrefixes }),
  };
}
