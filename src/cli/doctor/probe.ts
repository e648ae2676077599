/** Pods created for show in namespaces of the mesh, timed: the one proof that the API server and the webhook get along. */
import { randomBytes } from 'node:crypto'

import { ANNOTATION, CONTAINER_NAME } from '../../api/names.ts'
import type { Clock } from '../../base/clock.ts'
import { ProjectError, messageOf } from '../../base/errors.ts'
import type { Labels } from '../../base/selector.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { KubeObject } from '../../kube/resource.ts'
import { PODS } from '../../kube/resource.ts'
import type { Configuration } from '../installed/configurations.ts'
import { isOurEntry } from '../installed/configurations.ts'
import type { Plan } from '../manifests/plan.ts'
import type { Injector } from './overlap.ts'
import { injectorsIn, labelsFor, matches } from './overlap.ts'
import type { Namespace, Probe } from './world.ts'

/** Each may take as long as the webhook is given. */
const MAX_PROBES = 10
const GIVE_UP_MS = 5000
const ENFORCED_LABEL = 'pod-security.kubernetes.io/enforce'
const ENFORCED = ['baseline', 'restricted']

/** Where to try. */
export interface Target {
  readonly configuration: Configuration
  readonly namespace: string
  readonly podLabels: Labels
  /** The namespace is of the mesh and enforces a Pod Security Standard. */
  readonly isEnforced: boolean
}

interface Pod extends KubeObject {
  readonly spec: {
    readonly containers: readonly { readonly name: string }[]
    readonly initContainers?: readonly { readonly name: string }[]
  }
}

/** One namespace for each configuration of ours, and all that enforce a Pod Security Standard. */
export function probeTargets(
  configurations: readonly Configuration[],
  namespaces: readonly Namespace[],
  plan: Plan,
): Target[] {
  const all = injectorsIn(configurations)
    .filter(({ configuration, entry }) => isOurEntry(entry, configuration, plan))
    .flatMap((one) => targetsOf(one, namespaces))
    // A namespace that was meant to be injected tells more than a pod that asks for it.
    .sort((a, b) => Object.keys(a.podLabels).length - Object.keys(b.podLabels).length)
  const chosen = new Map<string, Target>()
  const tried = new Set<Configuration>()
  for (const target of all) {
    const { configuration, namespace, isEnforced } = target
    if (chosen.has(namespace) || (tried.has(configuration) && !isEnforced)) continue
    tried.add(configuration)
    chosen.set(namespace, target)
  }
  return [...chosen.values()].slice(0, MAX_PROBES)
}

function targetsOf({ configuration, entry }: Injector, namespaces: readonly Namespace[]): Target[] {
  const podLabels = labelsFor([entry.objectSelector])
  if (podLabels === undefined) return []
  return namespaces
    .filter(
      ({ metadata, status }) =>
        status?.phase !== 'Terminating' && matches(entry.namespaceSelector, metadata.labels ?? {}),
    )
    .map(({ metadata: { name, labels = {} } }) => ({
      configuration,
      namespace: name,
      podLabels,
      // Pods that ask for a sidecar by a label of their own may be none there.
      isEnforced: Object.keys(podLabels).length === 0 && ENFORCED.includes(labels[ENFORCED_LABEL] ?? ''),
    }))
}

/** One after the other; what got no answer in time ends it, as the rest would get none either. */
export async function runProbes(
  targets: readonly Target[],
  { client, clock, signal }: { readonly client: KubeClient; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Probe[]> {
  const probes: Probe[] = []
  for (const { configuration, namespace, podLabels } of targets) {
    const startMs = clock.nowMs()
    const outcome = await tryPod(client, { namespace, podLabels, signal })
    const tookMs = clock.nowMs() - startMs
    probes.push({ configuration, namespace, tookMs, outcome })
    if (outcome.is === 'refused' && tookMs > GIVE_UP_MS) break
  }
  return probes
}

async function tryPod(
  client: KubeClient,
  { namespace, podLabels, signal }: { namespace: string; podLabels: Labels; signal: AbortSignal },
): Promise<Probe['outcome']> {
  const pod = harmlessPod(`mesh-admission-doctor-${randomBytes(3).toString('hex')}`, podLabels)
  try {
    const created = await client.create<KubeObject>({ resource: PODS, namespace }, pod, { dryRun: true, signal })
    // The API server answers with the pod that it would have stored.
    return { is: 'created', isInjected: isInjected(created as Pod) }
  } catch (err) {
    if (!(err instanceof ProjectError) || err.code !== 'KUBE_REFUSED') throw err
    // Our own lack of rights says nothing about the webhook.
    if (err.message.includes('cannot create resource "pods"')) throw err
    return { is: 'refused', status: err.details.status as number | undefined, words: wordsOf(err) }
  }
}

/** Without the request that stands before the API server's words. */
export const wordsOf = (err: ProjectError): string => messageOf(err).replace(/^POST \S+(?: \S+)?: (?:\d+ )?/, '')

const isInjected = ({ metadata: { annotations = {} }, spec }: Pod): boolean =>
  ANNOTATION.status in annotations ||
  [...spec.containers, ...(spec.initContainers ?? [])].some(({ name }) => name === CONTAINER_NAME.proxy)

/** Good for the strictest Pod Security Standard, so that whatever violates it came with the sidecar. */
function harmlessPod(name: string, labels: Labels): KubeObject & { readonly spec: object } {
  const security = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      // Named here as well: the sidecar's token needs one, and a cluster without controllers names none.
      serviceAccountName: 'default',
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [{ name: 'app', image: 'registry.k8s.io/pause:3.10', securityContext: security }],
    },
  }
}
