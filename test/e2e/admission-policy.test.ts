// A policy applied with kubectl, as its documentation shows it, and what kubectl then says of a write.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';

const manifest = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: demo-policy.example.com
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups: ["apps"]
      apiVersions: ["v1"]
      operations: ["CREATE", "UPDATE"]
      resources: ["deployments", "deployments/scale"]
  validations:
  - expression: object.spec.replicas <= 5
    messageExpression: "'at most 5 replicas, not ' + string(object.spec.replicas)"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: demo-binding.example.com
spec:
  policyName: demo-policy.example.com
  validationActions: [Deny]
`;

let server: TestServer;
const folder = mkdtempSync(join(tmpdir(), 'portico-policy-'));

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

test('kubectl applies a policy and is told of its refusals', async () => {
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, manifest);
  // Tried again, it begins anew.
  await server.kubectl('delete', '-f', file, '--ignore-not-found');
  await server.kubectl('delete', 'deployment', 'web', '--ignore-not-found');
  expect(await server.kubectl('apply', '-f', file)).toContain('demo-policy.example.com created');
  expect(await server.kubectl('apply', '-f', file)).toContain('demo-binding.example.com unchanged');
  await server.kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=2');
  const refused = server.kubectl('scale', 'deployment', 'web', '--replicas=7');
  await expect(refused).rejects.toThrow(
    `ValidatingAdmissionPolicy 'demo-policy.example.com' with binding 'demo-binding.example.com' denied request: at most 5 replicas, not 7`,
  );
  await server.kubectl('scale', 'deployment', 'web', '--replicas=5');
  expect(await server.kubectl('get', 'validatingadmissionpolicies')).toMatch(
    /NAME +VALIDATIONS +PARAMKIND +AGE\ndemo-policy.example.com +1 +<unset> +/,
  );
});
