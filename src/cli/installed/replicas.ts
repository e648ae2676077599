/** What each replica says of itself: its metrics, by the API server's proxy. */
import type { KubeClient } from '../../kube/client.ts'
import type { KubeObject } from '../../kube/resource.ts'
import { PODS } from '../../kube/resource.ts'
import type { Plan } from '../manifests/plan.ts'

export interface Replica {
  readonly pod: string
  readonly node: string | undefined
  /** Its clock minus the API server's, milliseconds; undefined: it has not heard of it. */
  readonly clockSkewMs: number | undefined
  /** SHA-256 of its serving certificate, and when that ends, epoch milliseconds. */
  readonly leaf: { readonly fingerprint: string; readonly notAfterMs: number } | undefined
  /** Certificate files that are never renewed while it lives. */
  readonly pinnedFiles: number
}

interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string }
}

const METRICS_PORT = 15_014

/** Those whose metrics can be had; a replica that does not answer, or rights that are missing, tell nothing. */
export async function readReplicas(
  client: KubeClient,
  { namespace, selector }: Plan,
  signal: AbortSignal,
): Promise<Replica[]> {
  const labelSelector = Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join()
  const { items } = await client.list<Pod>({ resource: PODS, namespace }, { labelSelector, signal })
  const told = await Promise.all(
    items.map(async (pod) => {
      const name = `${pod.metadata.name}:${METRICS_PORT}`
      const place = { resource: PODS, namespace, name, subresource: 'proxy/metrics' }
      const text = await client.text(place, signal).catch(() => undefined)
      return text === undefined ? [] : [replicaOf(pod, text)]
    }),
  )
  return told.flat()
}

function replicaOf({ metadata: { name }, spec }: Pod, metrics: string): Replica {
  const skewS = valueOf(metrics, 'mesh_admission_clock_skew_seconds')
  const notAfterS = valueOf(metrics, 'mesh_admission_certificate_not_after_seconds')
  const fingerprint = /^mesh_admission_certificate_info\{[^}]*fingerprint="([^"]+)"/m.exec(metrics)?.[1]
  return {
    pod: name,
    node: spec?.nodeName,
    clockSkewMs: skewS === undefined ? undefined : skewS * 1000,
    leaf: fingerprint === undefined ? undefined : { fingerprint, notAfterMs: (notAfterS ?? 0) * 1000 },
    pinnedFiles: valueOf(metrics, 'mesh_admission_certificate_pinned_files') ?? 0,
  }
}

/** Value of a metric without labels, in Prometheus' text format. */
function valueOf(metrics: string, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]
  return found === undefined ? undefined : Number(found)
}
