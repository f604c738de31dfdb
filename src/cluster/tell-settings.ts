// `GET /portico/v1/cluster`: where nodes learn what all of them must agree on. The authorizer lets agents and administrators in.
import type { PathHandler } from '../apiserver/extensions.ts';
import { jsonResponse } from '../apiserver/request.ts';
import { type ClusterSettings, clusterSettingsPath } from './cluster-settings.ts';

export function tellSettings(settings: ClusterSettings): PathHandler {
  return { path: clusterSettingsPath, handle: async () => jsonResponse(200, settings) };
}
