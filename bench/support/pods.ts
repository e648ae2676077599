/** Pods and reviews to measure with. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { packagePath } from '../../src/cli/package.ts'

export type Pod = Readonly<Record<string, unknown>>

interface PodTemplate {
  readonly spec: { readonly containers: readonly Record<string, unknown>[] }
}

const HELLO = parse(readFileSync(packagePath('manifests/demo/hello.yaml'), 'utf8')) as {
  readonly spec: { readonly template: PodTemplate }
}

/** README's pod, as a ReplicaSet's controller creates it and the API server has completed it. */
export function smallPod(): Pod {
  return podOf(HELLO.spec.template.spec.containers)
}

/** Ten containers with ports, probes, resources and ten variables each. */
export function tenContainerPod(): Pod {
  const containers = Array.from({ length: 10 }, (_, n) => ({
    name: `app-${n}`,
    image: `registry.example/app-${n}:1`,
    ports: [{ name: `http-${n}`, containerPort: 8000 + n, protocol: 'TCP' }],
    env: Array.from({ length: 10 }, (_, k) => ({ name: `SETTING_${k}`, value: `value ${k} of ${n}` })),
    resources: { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
    livenessProbe: { tcpSocket: { port: 8000 + n }, timeoutSeconds: 1, periodSeconds: 10 },
    readinessProbe: { httpGet: { path: '/ready', port: `http-${n}`, scheme: 'HTTP' }, periodSeconds: 5 },
  }))
  return podOf(containers)
}

/** One container with as many environment variables. */
export function manyVariablesPod(count: number): Pod {
  const env = Array.from({ length: count }, (_, n) => ({ name: `VARIABLE_${n}`, value: `value ${n}` }))
  return podOf([{ name: 'app', image: 'registry.example/app:1', env, resources: {} }])
}

const VOLUME = 'kube-api-access-bcdfg'
const HASH = '5d9c7b8f6d'
/** Stands in names and labels for what tells one Deployment from all others. */
const DEPLOYMENT = 'hello'

/** Members stand in the order in which an API server writes them. */
function podOf(containers: readonly Record<string, unknown>[]): Pod {
  const replicaSet = `${DEPLOYMENT}-${HASH}`
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: replicaSet, uid: UID, controller: true }
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      generateName: `${replicaSet}-`,
      namespace: 'shop',
      labels: { app: DEPLOYMENT, 'pod-template-hash': HASH },
      ownerReferences: [{ ...owner, blockOwnerDeletion: true }],
      managedFields: [managedFields(containers)],
    },
    spec: specOf(containers),
    status: {},
  }
}

/** What the controller wrote, as the API server notes it. */
function managedFields(containers: readonly Record<string, unknown>[]): object {
  const fieldsOf = (container: Record<string, unknown>): object =>
    Object.fromEntries(['.', ...Object.keys(container).map((name) => `f:${name}`)].map((name) => [name, {}]))
  const listed = containers.map((container) => [`k:{"name":"${String(container.name)}"}`, fieldsOf(container)])
  return {
    manager: 'kube-controller-manager',
    operation: 'Update',
    apiVersion: 'v1',
    time: '2026-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: {
      'f:metadata': { 'f:generateName': {}, 'f:labels': { '.': {}, 'f:app': {} }, 'f:ownerReferences': { '.': {} } },
      'f:spec': { 'f:containers': Object.fromEntries(listed) as object, 'f:dnsPolicy': {}, 'f:restartPolicy': {} },
    },
  }
}

function specOf(containers: readonly Record<string, unknown>[]): object {
  const mount = { name: VOLUME, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
  const ending = {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  }
  return {
    volumes: [{ name: VOLUME, projected: { sources: TOKEN_SOURCES, defaultMode: 420 } }],
    containers: containers.map((container) => ({ ...container, volumeMounts: [mount], ...ending })),
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    serviceAccount: 'default',
    securityContext: {},
    schedulerName: 'default-scheduler',
    tolerations: ['not-ready', 'unreachable'].map((taint) => ({
      key: `node.kubernetes.io/${taint}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    })),
    priority: 0,
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
  }
}

const TOKEN_SOURCES = [
  { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  {
    downwardAPI: {
      items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
    },
  },
]

const UID = '705ab4f5-6393-11e8-b7cc-42010a800002'
const RESOURCE = { group: '', version: 'v1', resource: 'pods' }
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'

/**
 * Reviews of one ReplicaSet's pods as an API server writes them, as bytes: the same but for the review's uid and the
 * token volume's suffix.
 */
export function reviewOf(pod: Pod): () => Buffer {
  const text = reviewText(pod)
  return () => Buffer.from(repeated(text))
}

/** Reviews of pods that nobody has seen before: each is of a Deployment of its own, named so wherever names stand. */
export function freshReviewOf(pod: Pod): () => Buffer {
  const text = reviewText(pod).replaceAll(new RegExp(`"${DEPLOYMENT}(?=["-])`, 'g'), '"SERIAL')
  let serial = 0
  return () => Buffer.from(repeated(text).replaceAll('SERIAL', `${DEPLOYMENT}-${serial++}`))
}

const repeated = (text: string): string =>
  text.replace('"uid":"UID"', `"uid":"${randomUUID()}"`).replaceAll(VOLUME, `kube-api-access-${suffix()}`)

function reviewText(pod: Pod): string {
  const kind = { group: '', version: 'v1', kind: 'Pod' }
  const request = {
    uid: 'UID',
    kind,
    resource: RESOURCE,
    requestKind: kind,
    requestResource: RESOURCE,
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller', groups: ['system:authenticated'] },
    object: pod,
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
  }
  return JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request })
}

function suffix(): string {
  return Array.from({ length: 5 }, () => SUFFIX_LETTERS[Math.floor(Math.random() * SUFFIX_LETTERS.length)]).join('')
}
