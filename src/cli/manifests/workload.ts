/** Namespace, Service, Deployment and disruption budget of the server. */
import type { Plan } from './plan.ts'

const PORT = { webhook: 15017, health: 8080, metrics: 15014 } as const
/** The image's numeric user; a name could not be checked against `runAsNonRoot`. */
const USER_ID = 65532
/** Draining (15 s) and answering (20 s) end well before it. */
const GRACE_SECONDS = 60
/** Three quarters of the memory limit; the rest is for buffers, TLS and code. */
const HEAP_MEBIBYTES = 384
/** No object has a `__proto__` that could be written through: what users send is parsed and merged all day. */
const NODE_OPTIONS = `--max-old-space-size=${HEAP_MEBIBYTES} --disable-proto=delete`

/** Shared by all revisions, so nothing of one revision is in it. */
export function namespace({ namespace: name }: Plan): object {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        'app.kubernetes.io/name': 'mesh-admission',
        'app.kubernetes.io/part-of': 'mesh-admission',
        'kubernetes.io/metadata.name': name,
        'pod-security.kubernetes.io/enforce': 'restricted',
      },
    },
  }
}

export function service({ name, namespace: inNamespace, labels, selector }: Plan): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: inNamespace, labels },
    spec: {
      type: 'ClusterIP',
      selector,
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [
        { name: 'https-webhook', port: 443, targetPort: 'https-webhook', protocol: 'TCP' },
        { name: 'http-monitoring', port: PORT.metrics, targetPort: 'http-monitoring', protocol: 'TCP' },
      ],
    },
  }
}

/** Only with several replicas: with one it would forbid draining its node. */
export function disruptionBudget({ name, namespace: inNamespace, labels, selector, replicas }: Plan): object[] {
  if (replicas < 2) return []
  const spec = { maxUnavailable: 1, selector: { matchLabels: selector }, unhealthyPodEvictionPolicy: 'AlwaysAllow' }
  const metadata = { name, namespace: inNamespace, labels }
  return [{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec }]
}

export function deployment(plan: Plan): object {
  const { name, namespace: inNamespace, labels, selector, replicas } = plan
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: inNamespace, labels },
    spec: {
      replicas,
      minReadySeconds: 5,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      selector: { matchLabels: selector },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        // Never injected, by us or by anyone: nobody could repair it.
        metadata: { labels: { ...labels, 'sidecar.istio.io/inject': 'false', 'istio.io/dataplane-mode': 'none' } },
        spec: podSpec(plan),
      },
    },
  }
}

function podSpec(plan: Plan): object {
  return {
    serviceAccountName: plan.name,
    serviceAccount: plan.name,
    automountServiceAccountToken: true,
    containers: [container(plan)],
    dnsPolicy: 'ClusterFirst',
    priorityClassName: 'system-cluster-critical',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER_ID,
      runAsGroup: USER_ID,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationGracePeriodSeconds: GRACE_SECONDS,
    tolerations: [
      // The CNI agent may wait for pods that wait for us.
      { key: 'cni.istio.io/not-ready', operator: 'Exists' },
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
    ],
    // Wishes: a cluster of one node must run both replicas.
    topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
      topologyKey,
      maxSkew: 1,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: plan.selector },
    })),
  }
}

function container(plan: Plan): object {
  return {
    name: 'mesh-admission',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    args: serverArguments(plan),
    env: [{ name: 'NODE_OPTIONS', value: NODE_OPTIONS }],
    ports: [
      { name: 'https-webhook', containerPort: PORT.webhook, protocol: 'TCP' },
      { name: 'http-health', containerPort: PORT.health, protocol: 'TCP' },
      { name: 'http-monitoring', containerPort: PORT.metrics, protocol: 'TCP' },
    ],
    // Unready within 4 s of SIGTERM, well inside the 15 s that the server goes on.
    readinessProbe: probe('/readyz', { failureThreshold: 2, periodSeconds: 2, timeoutSeconds: 2 }),
    // Only an answer is asked for: waiting for the API server, or a slow event loop, is not death. So no startup probe either.
    livenessProbe: probe('/livez', { failureThreshold: 6, periodSeconds: 10, timeoutSeconds: 5 }),
    // No CPU limit: throttling turns into handshakes that time out.
    resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '512Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'FallbackToLogsOnError',
  }
}

function serverArguments({ revision, istioNamespace, name, secret, configurations, validators }: Plan): string[] {
  return [
    'serve',
    `--revision=${revision}`,
    `--istio-namespace=${istioNamespace}`,
    `--service=${name}`,
    `--ca-secret=${secret}`,
    ...configurations.map((configuration) => `--webhook-configuration=${configuration.name}`),
    ...validators.map((validator) => `--validation-configuration=${validator.name}`),
  ]
}

interface ProbeTimes {
  readonly failureThreshold: number
  readonly periodSeconds: number
  readonly timeoutSeconds: number
}

const probe = (path: string, times: ProbeTimes): object => ({
  httpGet: { path, port: 'http-health', scheme: 'HTTP' },
  successThreshold: 1,
  ...times,
})
