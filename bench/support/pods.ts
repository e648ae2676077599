/** Pods and reviews to measure with. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { packagePath } from '../../src/cli/package.ts'

export interface BenchPod {
  readonly name: string
  readonly pod: Record<string, unknown>
}

interface PodTemplate {
  readonly metadata: { readonly labels: Record<string, string> }
  readonly spec: { readonly containers: readonly Record<string, unknown>[] }
}

const HELLO = parse(readFileSync(packagePath('manifests/demo/hello.yaml'), 'utf8')) as {
  readonly spec: { readonly template: PodTemplate }
}

/** README's pod, as a ReplicaSet's controller creates it and the API server has completed it. */
export function smallPod(): Record<string, unknown> {
  const { template } = HELLO.spec
  return podOf(template, template.spec.containers)
}

/** Ten containers with ports, probes, resources and ten variables each. */
export function tenContainerPod(): Record<string, unknown> {
  const containers = Array.from({ length: 10 }, (_, n) => ({
    name: `app-${n}`,
    image: `registry.example/app-${n}:1`,
    ports: [{ containerPort: 8000 + n, name: `http-${n}` }],
    env: Array.from({ length: 10 }, (_, k) => ({ name: `SETTING_${k}`, value: `value ${k} of ${n}` })),
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
    readinessProbe: { httpGet: { path: '/ready', port: `http-${n}` }, periodSeconds: 5 },
    livenessProbe: { tcpSocket: { port: 8000 + n } },
  }))
  return podOf(HELLO.spec.template, containers)
}

/** One container with as many environment variables. */
export function manyVariablesPod(count: number): Record<string, unknown> {
  const env = Array.from({ length: count }, (_, n) => ({ name: `VARIABLE_${n}`, value: `value ${n}` }))
  return podOf(HELLO.spec.template, [{ name: 'app', image: 'registry.example/app:1', env }])
}

function podOf(
  { metadata, spec }: PodTemplate,
  containers: readonly Record<string, unknown>[],
): Record<string, unknown> {
  const volume = 'kube-api-access-bcdfg'
  const mount = { name: volume, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
  const hash = '5d9c7b8f6d'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `hello-${hash}-`,
      namespace: 'shop',
      labels: { ...metadata.labels, 'pod-template-hash': hash },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `hello-${hash}`, uid: 'u', controller: true },
      ],
    },
    spec: {
      ...spec,
      containers: containers.map((container) => ({ resources: {}, ...container, volumeMounts: [mount] })),
      volumes: [
        { name: volume, projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 'token' } }] } },
      ],
      serviceAccountName: 'default',
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      securityContext: {},
    },
  }
}

const RESOURCE = { group: '', version: 'v1', resource: 'pods' }
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'

/** A review of this pod as an API server writes it, as bytes; each with a uid and a token volume of its own. */
export function reviewOf(pod: Record<string, unknown>): () => Buffer {
  const request = {
    uid: 'UID',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: RESOURCE,
    requestKind: { group: '', version: 'v1', kind: 'Pod' },
    requestResource: RESOURCE,
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller', groups: ['system:authenticated'] },
    object: pod,
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
  }
  const text = JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request })
  return () => Buffer.from(text.replace('UID', randomUUID()).replaceAll('api-access-bcdfg', `api-access-${suffix()}`))
}

/** Reviews of pods that nobody has seen before: each carries a label of its own. */
export function freshReviewOf(pod: Record<string, unknown>): () => Buffer {
  const metadata = pod.metadata as { labels: Record<string, string> }
  const labelled = { ...pod, metadata: { ...metadata, labels: { ...metadata.labels, serial: 'SERIAL' } } }
  const next = reviewOf(labelled)
  let serial = 0
  return () => Buffer.from(next().toString().replace('SERIAL', `n${serial++}`))
}

function suffix(): string {
  return Array.from({ length: 5 }, () => SUFFIX_LETTERS[Math.floor(Math.random() * SUFFIX_LETTERS.length)]).join('')
}
