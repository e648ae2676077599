/** Mesh resources created for show that must be refused: the proof that the API server asks for validation, and is answered. */
import { randomBytes } from 'node:crypto'

import type { Clock } from '../../base/clock.ts'
import { ProjectError } from '../../base/errors.ts'
import type { Labels } from '../../base/selector.ts'
import type { KubeClient } from '../../kube/client.ts'
import { hasStatus } from '../../kube/client.ts'
import type { KubeObject, Resource } from '../../kube/resource.ts'
import type { Configuration } from '../installed/configurations.ts'
import { isOurEntry } from '../installed/configurations.ts'
import type { Plan } from '../manifests/plan.ts'
import { labelsFor, matches } from './overlap.ts'
import { wordsOf } from './probe.ts'
import type { Namespace, Probe } from './world.ts'

export interface ValidationTarget {
  readonly configuration: Configuration
  readonly namespace: string
  readonly labels: Labels
}

interface ProbeDeps {
  readonly client: KubeClient
  readonly clock: Clock
  readonly signal: AbortSignal
}

const VERSIONS = ['v1', 'v1beta1']
/** istiod: validation refuses what carries it, whatever else it says. */
const ALWAYS_REJECT = 'internal.istio.io/webhook-always-reject'
const NOT_FOUND = 404

/** One namespace for each validating configuration of ours. */
export function validationTargets(
  configurations: readonly Configuration[],
  namespaces: readonly Namespace[],
  plan: Plan,
): ValidationTarget[] {
  return configurations
    .filter(({ kind }) => kind === 'ValidatingWebhookConfiguration')
    .flatMap((configuration) => {
      const entry = configuration.webhooks.find((one) => isOurEntry(one, configuration, plan))
      const labels = labelsFor([entry?.objectSelector])
      const place = namespaces.find(
        ({ metadata, status }) =>
          status?.phase !== 'Terminating' && matches(entry?.namespaceSelector, metadata.labels ?? {}),
      )
      if (entry === undefined || labels === undefined || place === undefined) return []
      return [{ configuration, namespace: place.metadata.name, labels }]
    })
}

/** None where the mesh's kinds are not installed: nothing can be created that would have to be refused. */
export async function runValidationProbes(targets: readonly ValidationTarget[], deps: ProbeDeps): Promise<Probe[]> {
  const probes: Probe[] = []
  for (const { configuration, namespace, labels } of targets) {
    const startMs = deps.clock.nowMs()
    const outcome = await tryGateway({ namespace, labels }, deps)
    if (outcome === undefined) return probes
    probes.push({ configuration, namespace, tookMs: deps.clock.nowMs() - startMs, outcome })
  }
  return probes
}

type Place = Omit<ValidationTarget, 'configuration'>

async function tryGateway(place: Place, deps: ProbeDeps): Promise<Probe['outcome'] | undefined> {
  for (const version of VERSIONS) {
    const outcome = await tryVersion(version, place, deps)
    if (outcome !== undefined) return outcome
  }
  return undefined
}

async function tryVersion(
  version: string,
  { namespace, labels }: Place,
  { client, signal }: ProbeDeps,
): Promise<Probe['outcome'] | undefined> {
  const resource: Resource = { group: 'networking.istio.io', version, plural: 'gateways' }
  try {
    const gateway = badGateway(`networking.istio.io/${version}`, labels)
    await client.create({ resource, namespace }, gateway, { dryRun: true, signal })
    return { is: 'created', isInjected: false }
  } catch (err) {
    if (!(err instanceof ProjectError) || err.code !== 'KUBE_REFUSED') throw err
    if (err.message.includes('cannot create resource "gateways"')) throw err
    const words = wordsOf(err)
    // A webhook that answers 404 is complained of by name.
    if (hasStatus(err, NOT_FOUND) && !words.includes('webhook "')) return undefined
    return { is: 'refused', status: err.details.status as number | undefined, words }
  }
}

function badGateway(apiVersion: string, labels: Labels): KubeObject & { readonly spec: object } {
  const name = `mesh-admission-known-bad-${randomBytes(4).toString('hex')}`
  return { apiVersion, kind: 'Gateway', metadata: { name, labels, annotations: { [ALWAYS_REJECT]: 'true' } }, spec: {} }
}
