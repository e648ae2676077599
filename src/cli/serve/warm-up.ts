/** Injects made-up pods after the start, so that the first real ones find compiled code: cold, each takes ten times as long. */
import type { Clock } from '../../base/clock.ts'
import type { Inject, InjectRequest } from '../../server/routes/inject.ts'

export interface WarmUpDeps {
  /** The engine in force; undefined while there is none. */
  readonly currentInject: () => Inject | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** From then on V8 finds little more to improve. */
const PODS = 200
/** Between two pods, so that reviews that are already coming in wait for one at most. */
const PAUSE_MS = 5

/** Resolves when all are injected, or `signal` aborts. What becomes of them is nobody's concern. */
export async function warmUp({ currentInject, clock, signal }: WarmUpDeps): Promise<void> {
  for (let n = 0; n < PODS; n++) {
    await clock.wait(PAUSE_MS, signal)
    if (signal.aborted) return
    try {
      currentInject()?.(madeUpRequest(n))
    } catch {
      // A real pod will be answered with it.
    }
  }
}

/** No two are the same, and some have more than one container. */
function madeUpRequest(n: number): InjectRequest {
  const name = `warm-up-${n}`
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${name}-5d9c7b8f6d-`,
      namespace: 'warm-up',
      labels: { app: name, 'pod-template-hash': '5d9c7b8f6d' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-5d9c7b8f6d`, controller: true }],
    },
    spec: {
      volumes: [{ name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
      containers: Array.from({ length: 1 + (n % 3) }, (_, at) => containerOf(`${name}-${at}`)),
      restartPolicy: 'Always',
      securityContext: {},
    },
  }
  return { pod, namespace: 'warm-up', path: '/inject' }
}

function containerOf(name: string): object {
  return {
    name,
    image: `registry.example/${name}:1`,
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: [{ name: 'SETTING', value: name }],
    resources: { requests: { cpu: '100m', memory: '128Mi' } },
    volumeMounts: [{ name: 'token', readOnly: true, mountPath: '/var/run/secrets/token' }],
    livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 10 },
    readinessProbe: { httpGet: { path: '/ready', port: 'http', scheme: 'HTTP' } },
  }
}
