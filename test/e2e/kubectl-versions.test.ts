// kubectl 1.31, 1.33 and 1.35 against a control plane without nodes: objects of every kind, read, written and described.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientTool, clientTool, kubectlMinors } from '../fixtures/client-tools.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';
import { eventually, start } from './portico.ts';

const testdata = join(import.meta.dirname, 'testdata');
const long = { timeout: 300_000, interval: 100 };
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const words = (line: string | undefined) => (line ?? '').trim().split(/ {2,}/);

describe.each(kubectlMinors)('kubectl 1.%s', (minor) => {
  let k: ClientTool;
  let web = '';
  const namespace = `v${minor}`;
  beforeAll(async () => {
    k = new ClientTool({ program: 'kubectl', minor, kubeconfig: server.kubeconfig, namespace });
    web = k.file('web.yaml', readFileSync(join(testdata, 'web.yaml'), 'utf8'));
    await k.ok('create', 'namespace', namespace);
    // What controllers make in each namespace.
    for (const made of ['configmap/kube-root-ca.crt', 'serviceaccount/default']) {
      await eventually(made, async () => ((await k.run(['get', made])).code === 0 ? true : undefined));
    }
  });
  afterAll(() => k.remove());

  test('what the server has: api-resources, api-versions, version, cluster-info', async () => {
    const [resources, apps, versions, version, info] = await Promise.all([
      k.ok('api-resources'),
      k.ok('api-resources', '--api-group=apps', '--namespaced', '--verbs=list', '-o', 'name'),
      k.ok('api-versions'),
      k.ok('version', '-o', 'json'),
      k.ok('cluster-info'),
    ]);
    expect(words(resources.split('\n')[0])).toEqual(['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND']);
    expect(resources).toMatch(/^services +svc +v1 +true +Service$/m);
    expect(resources).toMatch(/^horizontalpodautoscalers +hpa +autoscaling\/v2 +true +HorizontalPodAutoscaler$/m);
    expect(apps.trimEnd().split('\n')).toEqual([
      'controllerrevisions.apps',
      'daemonsets.apps',
      'deployments.apps',
      'replicasets.apps',
      'statefulsets.apps',
    ]);
    const listed = versions.trimEnd().split('\n');
    expect(listed).toEqual([...listed].sort());
    expect(listed).toEqual(expect.arrayContaining(['apps/v1', 'autoscaling/v1', 'autoscaling/v2', 'v1']));
    expect(JSON.parse(version)).toMatchObject({
      clientVersion: { minor },
      serverVersion: { major: '1', minor: '36' },
    });
    expect(info).toContain(`is running at ${server.url}`);
  });

  test('explain from the v2 document, as older clients read it: protocol buffers', async () => {
    const [ports, port] = await Promise.all([
      k.ok('explain', 'service.spec.ports', '--output=plaintext-openapiv2'),
      k.ok('explain', 'service.spec.ports.targetPort', '--output=plaintext-openapiv2'),
    ]);
    expect(ports).toMatch(/^KIND: +Service\nVERSION: +v1\n\nRESOURCE: ports <\[\]Object>\n/);
    expect(ports).toMatch(/^ {3}port\t<integer> -required-$/m);
    expect(port).toMatch(/^FIELD: +targetPort <string>$/m);
  });

  test('explain: a kind, all its fields, a deep path, what there is not', async () => {
    const [deployment, recursive, deep, nothing, unknown] = await Promise.all([
      k.ok('explain', 'deployment'),
      k.ok('explain', 'pods', '--recursive'),
      k.ok('explain', 'pod.spec.containers.livenessProbe.httpGet.port'),
      k.refused('explain', 'pod.spec.nope'),
      k.refused('explain', 'nosuch'),
    ]);
    expect(deployment).toMatch(/^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n/);
    expect(deployment).toMatch(/^ {2}spec\t<DeploymentSpec>$/m);
    expect(recursive).toMatch(/^ {4}containers\t<\[\]Container> -required-$/m);
    expect(recursive).toMatch(/^ {2,}matchLabels\t<map\[string\]string>$/m);
    expect(deep).toMatch(/^FIELD: port <IntOrString>/m);
    expect(nothing).toContain('field "nope" does not exist');
    expect(unknown).toContain('the server doesn\'t have a resource type "nosuch"');
  });

  test('dry runs write nothing; unknown fields are refused, warned of or ignored', async () => {
    const names = ['configmap/settings', 'deployment.apps/web', 'service/web'];
    const said = (what: string) => `${names.map((name) => `${name} created (${what})`).join('\n')}\n`;
    const wrong = k.file(
      'wrong.yaml',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: wrong}\nspec: {odd: 1, containers: [{name: c, image: b, nope: 1}]}\n',
    );
    const [client, serverSide, applied, strict, warned, ignored] = await Promise.all([
      k.ok('create', '-f', web, '--dry-run=client'),
      k.ok('create', '-f', web, '--dry-run=server'),
      k.ok('apply', '-f', web, '--dry-run=server'),
      k.refused('create', '-f', wrong, '--validate=strict'),
      k.run(['create', '-f', wrong, '--validate=warn', '--dry-run=server']),
      k.run(['create', '-f', wrong, '--validate=ignore', '--dry-run=server']),
    ]);
    expect(client).toBe(said('dry run'));
    expect(serverSide).toBe(said('server dry run'));
    expect(applied).toBe(said('server dry run'));
    expect(strict).toContain(
      'strict decoding error: unknown field "spec.containers[0].nope", unknown field "spec.odd"',
    );
    expect(warned).toMatchObject({
      code: 0,
      stderr: 'Warning: unknown field "spec.containers[0].nope"\nWarning: unknown field "spec.odd"\n',
    });
    expect(ignored).toMatchObject({ code: 0, stderr: '', stdout: 'pod/wrong created (server dry run)\n' });
    expect((await k.run(['get', 'deployments,services'])).stderr).toBe(
      `No resources found in ${namespace} namespace.\n`,
    );
  });

  test('apply from the client and from the server, diff, conflicts, force', async () => {
    expect(await k.ok('apply', '-f', web)).toBe(
      'configmap/settings created\ndeployment.apps/web created\nservice/web created\n',
    );
    expect(await k.ok('apply', '-f', web)).toBe(
      'configmap/settings unchanged\ndeployment.apps/web unchanged\nservice/web unchanged\n',
    );
    expect(await k.ok('diff', '-f', web)).toBe('');
    const green = k.file('green.yaml', readFileSync(web, 'utf8').replace('blue', 'green'));
    const diff = await k.run(['diff', '-f', green]);
    expect(diff.code).toBe(1);
    expect(diff.stdout).toMatch(/^- {2}color: blue\n\+ {2}color: green$/m);
    const other = ['apply', '--server-side', '--field-manager=other', '-f', green] as const;
    const conflict = await k.refused(...other);
    expect(conflict).toMatch(
      /Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: \.data\.color/,
    );
    expect(await k.ok(...other, '--force-conflicts')).toContain('configmap/settings serverside-applied');
    const managers = 'jsonpath={.metadata.managedFields[*].manager}';
    expect((await k.ok('get', 'cm', 'settings', '-o', managers)).split(' ')).toContain('other');
    expect(await k.ok('get', 'cm', 'settings', '-o', 'jsonpath={.data.color}')).toBe('green');
  });

  test('get in every form', async () => {
    const get = (...args: string[]) => k.ok('get', ...args);
    const [wide, yaml, json, columns, name, labels, column, everywhere, raw, chunks, fields] = await Promise.all([
      get('deployment', 'web', '-o', 'wide'),
      get('deployment', 'web', '-o', 'yaml'),
      get('deployment', 'web', '-o', 'json'),
      get('deployments', '-o', 'custom-columns=N:.metadata.name,R:.spec.replicas'),
      get('deployments,services', '-o', 'name'),
      get('cm', 'settings', '--show-labels'),
      get('cm', '-l', 'tier=front', '-L', 'tier'),
      get('cm', '-A', '--sort-by=.metadata.namespace'),
      get('--raw', '/version'),
      get('cm', '--chunk-size=1'),
      get('cm', '--field-selector=metadata.name=settings', '-o', 'name'),
    ]);
    const [header, row] = wide.split('\n');
    expect(words(header)).toEqual([
      'NAME',
      'READY',
      'UP-TO-DATE',
      'AVAILABLE',
      'AGE',
      'CONTAINERS',
      'IMAGES',
      'SELECTOR',
    ]);
    expect(words(row)).toEqual(['web', '0/2', expect.any(String), '0', expect.any(String), 'web', 'web:1', 'app=web']);
    expect(yaml).toMatch(/^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n/);
    expect(yaml).not.toContain('managedFields');
    expect(JSON.parse(json)).toMatchObject({ kind: 'Deployment', spec: { replicas: 2 }, metadata: { namespace } });
    expect(columns).toBe('N     R\nweb   2\n');
    expect(name).toBe('deployment.apps/web\nservice/web\n');
    expect(labels).toMatch(/^settings +1 +[\dms]+ +tier=front$/m);
    expect(column).toMatch(/^NAME +DATA +AGE +TIER\nsettings +1 +[\dms]+ +front\n$/);
    expect(everywhere).toMatch(/^NAMESPACE +NAME +DATA +AGE\ndefault +kube-root-ca\.crt /);
    expect(JSON.parse(raw)).toMatchObject({ major: '1', minor: '36' });
    expect(chunks.trimEnd().split('\n')).toHaveLength(3);
    expect(fields).toBe('configmap/settings\n');
    const [missing, unknown] = await Promise.all([k.refused('get', 'cm', 'none'), k.refused('get', 'nosuch')]);
    expect(missing).toBe('Error from server (NotFound): configmaps "none" not found\n');
    expect(unknown).toBe('error: the server doesn\'t have a resource type "nosuch"\n');
  });

  test('get --watch sees what comes', async () => {
    const flags = ['--kubeconfig', server.kubeconfig, '--namespace', namespace];
    const watch = ['get', 'cm', '-l', 'watched=yes', '-w', '--output-watch-events'];
    const watching = start([clientTool('kubectl', minor), ...flags, ...watch], {
      KUBECACHEDIR: join(k.folder, 'cache'),
    });
    // Whole lines: kubectl writes them in pieces.
    const told = (what: RegExp) => expect.poll(() => watching.output(), long).toMatch(what);
    try {
      // A watch starts with what is there, so it does not matter which of both comes first.
      await k.ok('create', 'configmap', 'watched');
      await k.ok('label', 'cm', 'watched', 'watched=yes');
      await told(/^EVENT +NAME +DATA +AGE\nADDED +watched +0 +[\dms]+\n/);
      await k.ok('delete', 'cm', 'watched');
      await told(/^EVENT .*\nADDED .*\nDELETED +watched +0 +[\dms]+\n$/);
    } finally {
      await watching.stop();
    }
  });

  test('label, annotate, patch, replace, edit', async () => {
    expect(await k.ok('label', 'cm', 'settings', 'y=2')).toBe('configmap/settings labeled\n');
    expect(await k.refused('label', 'cm', 'settings', 'y=3')).toContain("'y' already has a value (2)");
    expect(await k.ok('label', 'cm', 'settings', 'y=3', '--overwrite')).toBe('configmap/settings labeled\n');
    expect(await k.ok('label', 'cm', 'settings', 'y-')).toBe('configmap/settings unlabeled\n');
    expect(await k.ok('annotate', 'cm', 'settings', 'note=hello')).toBe('configmap/settings annotated\n');
    const data = async () => JSON.parse(await k.ok('get', 'cm', 'settings', '-o', 'jsonpath={.data}')) as unknown;
    const patch = (...args: string[]) => k.ok('patch', 'cm', 'settings', ...args);
    await patch('-p', '{"data":{"p":"1"}}');
    await patch('--type=merge', '-p', '{"data":{"q":"2","color":null}}');
    await patch('--type=json', '-p', '[{"op":"replace","path":"/data/p","value":"3"}]');
    expect(await data()).toEqual({ p: '3', q: '2' });
    const absent = ['patch', 'cm', 'settings', '--type=json', '-p', '[{"op":"remove","path":"/data/none"}]'];
    expect(await k.refused(...absent)).toContain('The request is invalid');
    const read = k.file('read.yaml', (await k.ok('get', 'cm', 'settings', '-o', 'yaml')).replace('p: "3"', 'p: "4"'));
    expect(await k.ok('replace', '-f', read)).toBe('configmap/settings replaced\n');
    expect(await k.refused('replace', '-f', read)).toContain('the object has been modified; please apply your changes');
    expect(await k.ok('replace', '--force', '-f', web)).toContain('service/web replaced');
    const { stdout, stderr } = await k.run(['edit', 'cm', 'settings'], { env: { KUBE_EDITOR: 'sed -i s/blue/red/' } });
    expect(stdout, stderr).toBe('configmap/settings edited\n');
    expect(await data()).toEqual({ color: 'red' });
    const spoiling = await k.run(['edit', 'svc', 'web'], { env: { KUBE_EDITOR: "sed -i 's/port: 80$/port: 0/'" } });
    expect(spoiling.stderr).toContain('services "web" is invalid');
    expect(spoiling.stderr).toContain('Edit cancelled, no valid changes were saved');
  });

  test('scale, set, expose, autoscale, status and scale subresources', async () => {
    expect(await k.ok('scale', 'deployment', 'web', '--replicas=3')).toBe('deployment.apps/web scaled\n');
    expect(await k.refused('scale', 'deployment', 'web', '--replicas=4', '--current-replicas=1')).toContain(
      'Expected replicas to be 1, was 3',
    );
    expect(await k.ok('set', 'image', 'deployment/web', 'web=web:2')).toBe('deployment.apps/web image updated\n');
    expect(await k.ok('set', 'env', 'deployment/web', 'A=b')).toBe('deployment.apps/web env updated\n');
    expect(await k.ok('set', 'resources', 'deployment/web', '--limits=cpu=1')).toContain(
      'resource requirements updated',
    );
    expect(await k.ok('set', 'selector', 'svc', 'web', 'app=other')).toBe('service/web selector updated\n');
    expect(await k.ok('expose', 'deployment', 'web', '--port=80', '--name=door', '--type=NodePort')).toBe(
      'service/door exposed\n',
    );
    expect(await k.ok('get', 'svc', 'door', '-o', 'jsonpath={.spec.ports[0].nodePort}')).toMatch(/^3\d{4}$/);
    expect(await k.ok('autoscale', 'deployment', 'web', '--min=1', '--max=3', '--cpu-percent=50')).toContain(
      '/web autoscaled\n',
    );
    expect(await k.ok('get', 'hpa', 'web')).toMatch(/^web +Deployment\/web +\S.* +1 +3 +\d +[\dms]+$/m);
    const described = await k.ok('describe', 'hpa', 'web');
    expect(described).toMatch(/^Name: +web$/m);
    expect(described).toMatch(/^Reference: +Deployment\/web$/m);
    expect(described).toMatch(/resource cpu on pods.*50%/);
    await k.ok('patch', 'deployment', 'web', '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":1}}');
    expect(await k.ok('get', 'deployment', 'web', '--subresource=scale')).toMatch(/^web +1 +\d+ +[\dms]+$/m);
  });

  test('rollouts: history, undo, pause, resume, restart, status', async () => {
    const spec = 'containers: [{name: c, image: "b:1"}]';
    const text = `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: none}\nspec: {replicas: 0, selector: {matchLabels: {a: none}}, template: {metadata: {labels: {a: none}}, spec: {${spec}}}}\n`;
    await k.ok('apply', '-f', k.file('none.yaml', text));
    await k.ok('rollout', 'status', 'deployment/none', '--timeout=300s');
    await k.ok('set', 'image', 'deployment/none', 'c=b:2');
    expect(await k.ok('rollout', 'status', 'deployment/none', '--timeout=300s')).toContain('successfully rolled out');
    expect(await k.ok('rollout', 'history', 'deployment/none')).toMatch(/^1 +<none>\n2 +<none>$/m);
    expect(await k.ok('rollout', 'history', 'deployment/none', '--revision=1')).toMatch(/Image:\s+b:1/);
    expect(await k.ok('rollout', 'undo', 'deployment/none')).toBe('deployment.apps/none rolled back\n');
    expect(await k.ok('get', 'deployment', 'none', '-o', 'jsonpath={..image}')).toBe('b:1');
    expect(await k.ok('rollout', 'pause', 'deployment/none')).toBe('deployment.apps/none paused\n');
    expect(await k.refused('rollout', 'restart', 'deployment/none')).toContain("can't restart paused deployment");
    expect(await k.ok('rollout', 'resume', 'deployment/none')).toBe('deployment.apps/none resumed\n');
    expect(await k.ok('rollout', 'restart', 'deployment/none')).toBe('deployment.apps/none restarted\n');
    await k.ok('wait', '--for=condition=Available', 'deployment/none', '--timeout=300s');
    await k.ok('wait', '--for=jsonpath={.spec.replicas}=0', 'deployment/none', '--timeout=300s');
    expect(await k.refused('wait', '--for=condition=Odd', 'deployment/none', '--timeout=100ms')).toMatch(
      // The second where even the first list takes longer.
      /timed out waiting for the condition|context deadline exceeded/,
    );
  });

  test('every command of create', async () => {
    const created = await Promise.all(
      [
        'role reader --verb=get,list --resource=pods,deployments.apps',
        'rolebinding readers --role=reader --user=jane --serviceaccount=default:default',
        `clusterrole nodes-${namespace} --verb=get --resource=nodes --non-resource-url=/x`,
        `clusterrolebinding nodes-${namespace} --clusterrole=nodes-${namespace} --group=g`,
        'secret generic plain --from-literal=a=b',
        'secret docker-registry registry --docker-server=x --docker-username=u --docker-password=p',
        'ingress front --rule=h/p*=web:80 --class=c',
        'pdb budget --selector=a=b --min-available=1',
        `priorityclass priority-${namespace} --value=10 --description=d`,
        'job once --image=b -- echo hi',
        'cronjob often --image=b --schedule=0+0+1+1+* -- echo hi',
        'serviceaccount robot',
        'service clusterip inside --tcp=80:80',
        'service externalname outside --external-name=a.b',
        'service loadbalancer balanced --tcp=1:1',
        'deployment many --image=a --image=b --replicas=0',
      ].map((line) => k.ok('create', ...line.split(' ').map((word) => word.replace(/\+/g, ' ')))),
    );
    for (const text of created) expect(text).toMatch(/^\S+\/\S+ created\n$/);
    expect(await k.ok('create', 'job', 'again', '--from=cronjob/often')).toBe('job.batch/again created\n');
    expect((await k.ok('create', 'token', 'robot')).split('.')).toHaveLength(3);
    expect(await k.ok('run', 'one', '--image=b', '--dry-run=server', '-o', 'jsonpath={.spec.serviceAccountName}')).toBe(
      'default',
    );
    // Last, so that the quota counts nothing of the above.
    expect(await k.ok('create', 'quota', 'few', '--hard=count/leases.coordination.k8s.io=5')).toBe(
      'resourcequota/few created\n',
    );
  });

  test('describe of every kind', async () => {
    const text = readFileSync(join(testdata, 'kinds.yaml'), 'utf8').replaceAll('NAMESPACE', namespace);
    await k.ok('apply', '-f', k.file('kinds.yaml', text));
    const kinds: readonly (readonly [string, RegExp])[] = [
      [`namespace/${namespace}`, /^Status: +Active$/m],
      ['configmap/settings', /^color:\n----\nred$/m],
      ['secret/plain', /^a: +1 bytes$/m],
      ['service/door', /^NodePort: +<unset> +3\d{4}\/TCP$/m],
      ['deployment/web', /^StrategyType: +RollingUpdate$/m],
      ['replicasets', /^Controlled By: +Deployment\//m],
      ['pods', /^Controlled By: +ReplicaSet\//m],
      ['statefulset/stateful', /^Volume Claims:/m],
      ['daemonset/daemon', /^Desired Number of Nodes Scheduled: 0$/m],
      ['replicationcontroller/replication', /^Replicas: +0 current \/ 0 desired$/m],
      ['job/once', /^Completion Mode: +NonIndexed$/m],
      ['cronjob/often', /^Schedule: +0 0 1 1 \*$/m],
      ['endpoints/web', /^Subsets:/m],
      ['endpointslices', /^AddressType: +IPv4$/m],
      ['ingress/front', /^ +\/p +web:80 /m],
      ['networkpolicy/policy', /^ {2}PodSelector: +<none>/m],
      ['pdb/budget', /^Min available: +1$/m],
      ['quota/few', /^count\/leases\.coordination\.k8s\.io /m],
      ['limitrange/limits', /^PersistentVolumeClaim +storage +- +2Gi /m],
      ['pvc/claim', /^Status: +Pending$/m],
      [`pv/volume-${namespace}`, /^Capacity: +1Gi$/m],
      ['serviceaccount/robot', /^Name: +robot$/m],
      ['role/reader', /^ {2}deployments\.apps +\[\] +\[\] +\[get list\]$/m],
      ['rolebinding/readers', /^ {2}User +jane/m],
      [`clusterrole/nodes-${namespace}`, /^ +\[\/x\] +\[\] +\[get\]$/m],
      [`clusterrolebinding/nodes-${namespace}`, /^ {2}Group +g/m],
      [`priorityclass/priority-${namespace}`, /^Value: +10$/m],
      [`storageclass/class-${namespace}`, /^Provisioner: +x\.y\/z$/m],
      [`ingressclass/class-${namespace}`, /^Controller: +a\.b\/c$/m],
      [`runtimeclass/class-${namespace}`, /^Handler: +x$/m],
      ['lease/lease', /Holder Identity: +me$/m],
      [`node/node-${namespace}`, /^Roles: +<none>$/m],
      [`validatingwebhookconfiguration/webhook-${namespace}`, /Side Effects: +None$/m],
    ];
    for (let i = 0; i < kinds.length; i += 4) {
      await Promise.all(
        kinds.slice(i, i + 4).map(([what, says]) =>
          // What controllers say of it comes later.
          expect.poll(() => k.ok('describe', what), { ...long, message: what }).toMatch(says),
        ),
      );
    }
  });

  test('nodes: taint, cordon, uncordon, drain', async () => {
    const node = `node-${namespace}`;
    expect(await k.ok('taint', 'node', node, 'a=b:NoSchedule')).toBe(`node/${node} tainted\n`);
    expect(await k.ok('cordon', node)).toBe(`node/${node} cordoned\n`);
    expect(await k.ok('get', 'node', node)).toMatch(new RegExp(`^${node} +\\w+,SchedulingDisabled +<none>`, 'm'));
    expect(await k.ok('uncordon', node)).toBe(`node/${node} uncordoned\n`);
    expect(await k.ok('drain', node, '--ignore-daemonsets', '--timeout=300s')).toBe(
      `node/${node} cordoned\nnode/${node} drained\n`,
    );
    expect(await k.ok('taint', 'node', node, 'a-')).toBe(`node/${node} untainted\n`);
  });

  test('who may what: auth, certificates, top without metrics', async () => {
    const [all, jane, nodes, who, nodesTop, podsTop] = await Promise.all([
      k.ok('auth', 'can-i', '--list'),
      k.ok('auth', 'can-i', 'get', 'pods', '--as=jane'),
      k.run(['auth', 'can-i', 'get', 'nodes', '--as=jane']),
      k.ok('auth', 'whoami', '-o', 'json'),
      k.refused('top', 'node'),
      k.refused('top', 'pod'),
    ]);
    expect(all).toMatch(/^\*\.\* +\[\] +\[\] +\[\*\]$/m);
    expect(jane).toBe('yes\n');
    expect(nodes).toMatchObject({ code: 1, stdout: expect.stringMatching(/^no\n/) });
    expect(JSON.parse(who)).toMatchObject({ status: { userInfo: { username: 'tester', uid: '1' } } });
    expect(nodesTop).toBe('error: Metrics API not available\n');
    expect(podsTop).toBe('error: Metrics API not available\n');

    const request = readFileSync(join(testdata, 'jane.csr')).toString('base64');
    const spec = { request, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] };
    const metadata = { name: `jane-${namespace}` };
    const csr = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata, spec };
    await k.ok('create', '-f', k.file('csr.json', JSON.stringify(csr)));
    expect(await k.ok('get', 'csr', metadata.name)).toMatch(/ tester +<none> +Pending$/m);
    expect(await k.ok('certificate', 'approve', metadata.name)).toContain(`/${metadata.name} approved`);
    await k.ok('wait', '--for=jsonpath={.status.certificate}', `csr/${metadata.name}`, '--timeout=300s');
    expect(await k.ok('get', 'csr', metadata.name)).toMatch(/ Approved,Issued$/m);
    expect(await k.ok('describe', 'csr', metadata.name)).toMatch(/^ +Common Name: +jane$/m);
    await k.ok('auth', 'reconcile', '-f', k.file('rbac.yaml', await k.ok('get', 'role', 'reader', '-o', 'yaml')));
  });

  test('events, and pods that run nowhere', async () => {
    await expect
      .poll(() => k.ok('events', '--types=Normal'), long)
      .toMatch(/ScalingReplicaSet +Deployment\/web +Scaled up replica set /);
    expect(await k.ok('get', 'events')).toMatch(/Normal +ScalingReplicaSet +deployment\/web +Scaled up replica set /);
    await k.ok('run', 'nowhere', '--image=b');
    const [exec, attach, forward] = await Promise.all([
      k.refused('exec', 'nowhere', '--', 'ls'),
      k.refused('attach', 'nowhere'),
      k.refused('port-forward', 'nowhere', ':80'),
    ]);
    expect(exec).toContain('pod nowhere does not have a host assigned');
    expect(attach).toContain('pod nowhere does not have a host assigned');
    expect(forward).toContain('pod is not running. Current status=Pending');
    expect(await k.ok('debug', 'nowhere', '--image=b', '--container=look')).toBe('');
    expect(await k.ok('get', 'pod', 'nowhere', '-o', 'jsonpath={.spec.ephemeralContainers[*].name}')).toBe('look');
  });

  test('delete: by selector, by file, orphans, foreground, without waiting', async () => {
    const from = minor === '31' || minor === '33' ? '' : ` from ${namespace} namespace`;
    expect(await k.ok('delete', 'cm', '-l', 'tier=front')).toBe(`configmap "settings" deleted${from}\n`);
    expect(await k.ok('delete', 'cm', '-l', 'tier=front')).toBe('No resources found\n');
    expect(await k.ok('delete', 'pod', 'none', '--ignore-not-found')).toBe('');
    expect(await k.refused('delete', 'pod', 'none')).toContain('(NotFound): pods "none" not found');
    await k.ok('delete', 'deployment', 'none', '--cascade=orphan');
    expect((await k.ok('get', 'rs', '-l', 'a=none', '-o', 'name')).trimEnd().split('\n')).toHaveLength(3);
    await k.ok('delete', 'rs', '-l', 'a=none', '--cascade=foreground', '--timeout=300s');
    await k.ok('delete', 'deployment', 'many', '--wait=false');
    await k.ok('wait', '--for=delete', 'deployment/many', '--timeout=300s');
    expect(await k.ok('delete', 'pod', 'nowhere', '--force')).toMatch(/^pod "nowhere" force deleted/);
    await k.ok('delete', '-f', join(k.folder, 'kinds.yaml'), '--timeout=300s');
    await k.ok('delete', 'namespace', namespace, '--timeout=300s');
  });
});
