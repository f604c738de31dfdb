// An OCI image archive (image-spec v1, the layout that `ctr images import` and `docker load` read) from layers in memory.
import { createHash } from 'node:crypto';
import { type TarEntry, tar } from './tar.ts';

export interface ImageConfig {
  /** Whole reference: `portico.local/echo:1`. */
  readonly reference: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly exposedPorts?: readonly string[];
}

interface Blob {
  readonly digest: string;
  readonly data: Buffer;
}

const blob = (data: Buffer): Blob => ({ digest: createHash('sha256').update(data).digest('hex'), data });
const json = (value: unknown): Blob => blob(Buffer.from(JSON.stringify(value)));
const descriptor = (mediaType: string, { digest, data }: Blob) => ({
  mediaType,
  digest: `sha256:${digest}`,
  size: data.length,
});

/** Images that share one layer, as one archive. `architecture` is Go's name (`amd64`, `arm64`). */
export function ociArchive(
  layerEntries: readonly TarEntry[],
  images: readonly ImageConfig[],
  architecture: string,
): Buffer {
  const layer = blob(tar(layerEntries));
  const blobs = [layer];
  const manifests = images.map(({ reference, entrypoint, cmd, exposedPorts = [] }) => {
    const config = json({
      architecture,
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config: {
        Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
        ...(entrypoint && { Entrypoint: entrypoint }),
        ...(cmd && { Cmd: cmd }),
        ...(exposedPorts.length > 0 && { ExposedPorts: Object.fromEntries(exposedPorts.map((p) => [p, {}])) }),
        WorkingDir: '/',
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${layer.digest}`] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'portico' }],
    });
    const manifest = json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptor('application/vnd.oci.image.config.v1+json', config),
      layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
    });
    blobs.push(config, manifest);
    return {
      ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest),
      platform: { architecture, os: 'linux' },
      annotations: {
        'io.containerd.image.name': reference,
        'org.opencontainers.image.ref.name': reference.split(':').at(-1),
      },
    };
  });
  const file = (path: string, data: Buffer): TarEntry => ({ path, type: 'file', data });
  return tar([
    file('oci-layout', Buffer.from(JSON.stringify({ imageLayoutVersion: '1.0.0' }))),
    file(
      'index.json',
      Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }),
      ),
    ),
    { path: 'blobs/', type: 'folder' },
    { path: 'blobs/sha256/', type: 'folder' },
    ...blobs.map(({ digest, data }) => file(`blobs/sha256/${digest}`, data)),
  ]);
}
