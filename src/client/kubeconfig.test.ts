import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import type { Files } from '../system/files.ts';
import { selfSigned } from './fake/self-signed.ts';
import { inClusterAccess, parseKubeconfig, readKubeconfig, transportOf } from './kubeconfig.ts';

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
const files = filesOf({
  '/etc/k/config': text,
  '/etc/k/pki/ca.crt': 'CA',
  '/abs/key.pem': 'KEY',
  '/etc/k/token': 'abc',
});

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

const base = {
  clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443', 'proxy-url': 'http://10.0.0.2:3128' } }],
  users: [{ name: 'u', user: { token: 'abc\n' } }],
  contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
  'current-context': 'x',
};
const clusterOf = (cluster: object) => ({ clusters: [{ name: 'c', cluster }] });
const userOf = (user: object) => ({ users: [{ name: 'u', user }] });

test('a proxy, and a token that ends with a line', async () => {
  const access = await parseKubeconfig(JSON.stringify(base), { files });
  expect(access).toMatchObject({ proxyUrl: 'http://10.0.0.2:3128', token: 'abc' });
});

test.each([
  ['a map of clusters', { clusters: { c: {} } }, "the kubeconfig's clusters are no list"],
  ['nothing for a cluster', { clusters: [null] }, 'the kubeconfig has no cluster "c" with a server'],
  ['a text for contexts', { contexts: 'x' }, "the kubeconfig's contexts are no list"],
  ['a user that is not there', { users: [] }, 'the kubeconfig has no user "u"'],
  ['a token file that is not there', userOf({ tokenFile: '/nope' }), 'the token file /nope does not exist'],
  [
    'a server without a scheme',
    clusterOf({ server: '10.0.0.1:6443' }),
    'the kubeconfig\'s server is no URL such as https://10.0.0.1:6443: "10.0.0.1:6443"',
  ],
  ['a server of another scheme', clusterOf({ server: 'localhost:6443' }), /server is no URL/],
  ['a proxy of another kind', clusterOf({ server: 'https://a', 'proxy-url': 'socks5://b' }), /proxy-url is no URL/],
  [
    'who acts as another',
    userOf({ token: 't', as: 'bob' }),
    'user "u" of the kubeconfig logs in with the name of another (as), which is not supported: use a token or a client certificate',
  ],
])('%s', async (_, change, message) => {
  await expect(parseKubeconfig(JSON.stringify({ ...base, ...change }), { files })).rejects.toThrow(message);
});

test('certificates are looked at before anybody is asked', async () => {
  const [one, other] = [await selfSigned('10.0.0.1'), await selfSigned('10.0.0.2')];
  const wrong = (access: object) => () => {
    const whole = { server: 'https://10.0.0.1:6443', namespace: 'default', ...access };
    transportOf(whole, { clock: new FakeClock(), files }).close();
  };
  expect(wrong({ ca: one.cert, cert: one.cert, key: one.key })).not.toThrow();
  expect(wrong({ ca: 'nonsense' })).toThrow("the kubeconfig's certificate-authority cannot be used: ");
  expect(wrong({ cert: 'nonsense', key: one.key })).toThrow("the kubeconfig's client-certificate cannot be used: ");
  expect(wrong({ cert: one.cert, key: other.key })).toThrow('client-key cannot be used: it is of another certificate');
  expect(wrong({ cert: one.cert })).toThrow('a client certificate without its key');
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
