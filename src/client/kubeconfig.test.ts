import { expect, test } from 'vitest';
import type { Files } from '../system/files.ts';
import { inClusterAccess, parseKubeconfig, readKubeconfig } from './kubeconfig.ts';

function filesOf(files: Readonly<Record<string, string>>): Files {
  return { read: async (path) => files[path], write: async () => undefined, remove: async () => undefined };
}

const text = `
apiVersion: v1
kind: Config
current-context: a
clusters:
- name: one
  cluster: {server: 'https://10.0.0.1:6443', certificate-authority: pki/ca.crt, tls-server-name: api}
users:
- name: cert
  user: {client-certificate-data: ${Buffer.from('CERT').toString('base64')}, client-key: /abs/key.pem}
- name: file
  user: {tokenFile: token}
- name: plugin
  user: {exec: {command: aws}}
- name: login
  user: {exec: {command: ./bin/login, apiVersion: client.authentication.k8s.io/v1}}
- name: typed
  user: {exec: {command: login, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}}
contexts:
- {name: a, context: {cluster: one, user: cert, namespace: web}}
- {name: b, context: {cluster: one, user: file}}
- {name: c, context: {cluster: one, user: plugin}}
- {name: login, context: {cluster: one, user: login}}
- {name: typed, context: {cluster: one, user: typed}}
- {name: d, context: {cluster: two, user: cert}}
`;
const files = filesOf({ '/etc/k/config': text, '/etc/k/pki/ca.crt': 'CA', '/abs/key.pem': 'KEY' });

test('the current context, with its files read', async () => {
  expect(await readKubeconfig('/etc/k/config', { files })).toEqual({
    server: 'https://10.0.0.1:6443',
    namespace: 'web',
    ca: 'CA',
    cert: 'CERT',
    key: 'KEY',
    keyFile: '/abs/key.pem',
    tlsServerName: 'api',
  });
});

test('a named context with a token file', async () => {
  const access = await readKubeconfig('/etc/k/config', { files, context: 'b' });
  expect(access).toMatchObject({ namespace: 'default', tokenFile: '/etc/k/token' });
});

test('a plugin with a slash in its name lies beside the kubeconfig', async () => {
  const { execPlugin } = await readKubeconfig('/etc/k/config', { files, context: 'login' });
  expect(execPlugin?.command).toBe('/etc/k/./bin/login');
});

test.each([
  ['c', /user "plugin" of the kubeconfig: exec plugin: invalid apiVersion ""/],
  ['typed', /exec plugin cannot support interactive mode/],
  ['d', /no cluster "two"/],
  ['nobody', /no context "nobody"/],
])('context %s cannot be used', async (context, message) => {
  await expect(readKubeconfig('/etc/k/config', { files, context })).rejects.toThrow(message);
});

test('what is missing is named', async () => {
  await expect(readKubeconfig('/nowhere', { files })).rejects.toThrow('there is no kubeconfig /nowhere');
  await expect(parseKubeconfig('{}', { files })).rejects.toThrow('no current-context');
  await expect(parseKubeconfig('a: [', { files })).rejects.toThrow('no YAML');
});

test('in a pod', async () => {
  const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
  const pod = filesOf({ [`${folder}/ca.crt`]: 'CA', [`${folder}/namespace`]: 'web\n' });
  const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  expect(await inClusterAccess(environment, pod)).toEqual({
    server: 'https://[fd00::1]:443',
    namespace: 'web',
    ca: 'CA',
    tokenFile: `${folder}/token`,
  });
  await expect(inClusterAccess({}, pod)).rejects.toThrow('not in a pod');
});
