// The text of a kubeconfig file with everything embedded, as `--kubeconfig-out` writes it.

export interface KubeconfigOptions {
  /** Names the cluster, its context and its user. */
  readonly clusterName: string;
  /** As in `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly caPem: string;
  readonly credentials: { readonly certPem: string; readonly keyPem: string };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
/** A JSON string is a YAML scalar, whatever it holds. */
const quoted = (text: string) => JSON.stringify(text);

/** A kubeconfig (v1 Config) as YAML. It holds a private key: write it with mode 0600. */
export function kubeconfigText(options: KubeconfigOptions): string {
  const { clusterName, credentials } = options;
  // The user is named like the context: kubeconfigs of several clusters may lie in one file.
  const context = quoted(`kubernetes-admin@${clusterName}`);
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- cluster:',
    `    certificate-authority-data: ${base64(options.caPem)}`,
    `    server: ${quoted(options.server)}`,
    `  name: ${quoted(clusterName)}`,
    'contexts:',
    '- context:',
    `    cluster: ${quoted(clusterName)}`,
    `    user: ${context}`,
    `  name: ${context}`,
    `current-context: ${context}`,
    'users:',
    `- name: ${context}`,
    '  user:',
    `    client-certificate-data: ${base64(credentials.certPem)}`,
    `    client-key-data: ${base64(credentials.keyPem)}`,
    '',
  ].join('\n');
}
