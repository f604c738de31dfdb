// What each kind adds to the generic definition: one line per kind, its folder says the rest.
import type { KubeObject } from '../apimachinery/object.ts';
import { service } from './core/v1/service/index.ts';
import { anyKind, type Kind } from './define.ts';

/** By resource, qualified by its group outside the core group. */
export const kinds: Readonly<Record<string, Kind<KubeObject>>> = {
  services: anyKind(service),
};
