/** Guessing the workload of a pod. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OwnerReference, Pod, StringMap } from '../../src/api/pod.ts'
import { workloadOf } from '../../src/injection/workload.ts'

const owned = (owner: OwnerReference, labels: StringMap = {}): Pod => ({
  metadata: { generateName: 'p-', namespace: 'shop', labels, ownerReferences: [{ ...owner, controller: true }] },
})
const replicaSet = (name: string): OwnerReference => ({ apiVersion: 'apps/v1', kind: 'ReplicaSet', name })

const ROWS: { name: string; pod: Pod; want: string }[] = [
  { name: 'a bare pod is itself', pod: { metadata: { name: 'p' } }, want: 'v1 Pod p' },
  {
    name: 'owners of a pod with a given name do not count',
    pod: { metadata: { name: 'p', ownerReferences: [{ ...replicaSet('web-1'), controller: true }] } },
    want: 'v1 Pod p',
  },
  {
    name: 'a hash makes a Deployment',
    pod: owned(replicaSet('web-7d9'), { 'pod-template-hash': '7d9' }),
    want: 'apps/v1 Deployment web',
  },
  {
    name: 'a hash without a dash stays',
    pod: owned(replicaSet('web7d9'), { 'pod-template-hash': '7d9' }),
    want: 'apps/v1 Deployment web7d9',
  },
  {
    name: 'a hash of rollouts makes a Rollout',
    pod: owned(replicaSet('web-7d9'), { 'rollouts-pod-template-hash': '7d9' }),
    want: 'v1alpha1 Rollout web',
  },
  { name: 'no hash leaves the ReplicaSet', pod: owned(replicaSet('web-7d9')), want: 'apps/v1 ReplicaSet web-7d9' },
  {
    name: 'a label names the DeploymentConfig',
    pod: owned({ apiVersion: 'v1', kind: 'ReplicationController', name: 'web-1' }, { deploymentconfig: 'web' }),
    want: 'v1 DeploymentConfig web',
  },
  {
    name: 'a timestamp makes a CronJob',
    pod: owned({ apiVersion: 'batch/v1', kind: 'Job', name: 'load-12345678' }),
    want: 'batch/v1 CronJob load',
  },
  {
    name: 'a short number leaves the Job',
    pod: owned({ apiVersion: 'batch/v1', kind: 'Job', name: 'load-1234567' }),
    want: 'batch/v1 Job load-1234567',
  },
  {
    name: 'other owners are taken as they are',
    pod: owned({ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' }),
    want: 'apps/v1 StatefulSet db',
  },
  {
    name: 'an owner that is no controller does not count',
    pod: { metadata: { generateName: 'p-', ownerReferences: [replicaSet('x')] } },
    want: 'v1 Pod ',
  },
]

for (const { name, pod, want } of ROWS) {
  test(`workload: ${name}`, () => {
    const found = workloadOf(pod)
    assert.equal(`${found.apiVersion} ${found.kind} ${found.name}`, want)
  })
}
