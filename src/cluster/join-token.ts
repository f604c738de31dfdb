// What an agent joins with: `<sha256 of the CA certificate>::<id>.<secret>` (docs/design.md, Identities).
import { X509Certificate } from 'node:crypto';
import type { Secret } from '../api/core/v1/types.generated.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { secrets } from '../client/resources.ts';
import type { Client } from '../client/types.ts';
import type { Files } from '../system/files.ts';
import type { Random } from '../system/random.ts';
import type { ClusterPaths } from './layout.ts';

const type = 'bootstrap.kubernetes.io/token';
const description = 'nodes of this machine';

/** The token of the nodes that `up` starts: the one that the cluster has for them, or a new one. */
export async function joinToken(
  client: Client,
  paths: ClusterPaths,
  tools: { files: Files; random: Random },
): Promise<string> {
  const { ca = '' } = await readKubeconfig(paths.kubeconfig, tools);
  const fingerprint = new X509Certificate(ca).fingerprint256.replaceAll(':', '').toLowerCase();
  const resource = client.resource<Secret>(secrets);
  const { items } = await resource.list({ namespace: 'kube-system' });
  const text = (secret: Secret, key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
  const present = items.find((s) => s.type === type && text(s, 'description') === description);
  const hex = (bytes: number): string => Buffer.from(tools.random.bytes(bytes)).toString('hex');
  const [id, secret] = present ? [text(present, 'token-id'), text(present, 'token-secret')] : [hex(3), hex(8)];
  if (!present) {
    await resource.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
      type,
      stringData: {
        'token-id': id,
        'token-secret': secret,
        'usage-bootstrap-authentication': 'true',
        'auth-extra-groups': 'system:bootstrappers:portico',
        description,
      },
    });
  }
  return `${fingerprint}::${id}.${secret}`;
}
