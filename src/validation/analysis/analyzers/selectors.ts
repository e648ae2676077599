/** Policies that select workloads: nobody, the same ones twice, or everybody twice. */
import type { Analyzer } from '../analyze.ts'
import type { Message, MessageCode } from '../messages.ts'
import { message, notFound } from '../messages.ts'
import { isAmbientNamespace, isAmbientPod, isInMesh } from '../mesh-membership.ts'
import { bagOf, bagsOf, hasBag, textMapOf, textOf, textsOf } from '../read.ts'
import type { Resource, World } from '../world.ts'
import { selectorText, selects } from '../world.ts'

type Labels = Readonly<Record<string, string>>
const sidecarLabels = ({ spec }: Resource): Labels => textMapOf(bagOf(spec['workloadSelector'])['labels'])
const matchLabels = ({ spec }: Resource): Labels => textMapOf(bagOf(spec['selector'])['matchLabels'])
const isEmpty = (labels: Labels): boolean => Object.keys(labels).length === 0

interface Selecting {
  readonly kind: 'Sidecar' | 'Telemetry'
  readonly plural: string
  readonly labelsOf: (resource: Resource) => Labels
  readonly labelsPath: string
  readonly twice: MessageCode
}
const KINDS: readonly Selecting[] = [
  {
    kind: 'Sidecar',
    plural: 'Sidecars',
    labelsOf: sidecarLabels,
    labelsPath: 'spec.workloadSelector.labels',
    twice: 'IST0110',
  },
  {
    kind: 'Telemetry',
    plural: 'Telemetries',
    labelsOf: matchLabels,
    labelsPath: 'spec.selector.matchLabels',
    twice: 'IST0159',
  },
]

export const workloadSelectors: readonly Analyzer[] = KINDS.map(({ kind, plural, labelsOf, labelsPath, twice }) => ({
  name: `${kind.toLowerCase()}.selectors`,
  inputs: [kind, 'Pod'],
  *analyze(world): Iterable<Message> {
    for (const resource of world.all(kind)) {
      const labels = labelsOf(resource)
      if (isEmpty(labels)) continue
      const own = world.all('Pod').filter(({ namespace }) => namespace === resource.namespace)
      if (!own.some((pod) => selects(labels, pod.labels))) {
        yield notFound(resource, `${labelsPath}.${Object.keys(labels)[0] ?? ''}`, 'selector', selectorText(labels))
      }
    }
    for (const pod of world.all('Pod')) {
      const owners = world.all(kind).filter((resource) => {
        const labels = labelsOf(resource)
        return resource.namespace === pod.namespace && !isEmpty(labels) && selects(labels, pod.labels)
      })
      if (owners.length < 2 || (kind === 'Sidecar' && isAmbientPod(pod))) continue
      const names = owners.map(({ name }) => name).join(' ')
      const text = `The ${plural} [${names}] in namespace "${pod.namespace}" select the same workload pod "${pod.name}", which can lead to undefined behavior.`
      for (const owner of owners) yield message(twice, owner, text, 'metadata.name')
    }
  },
}))

function* severalDefaults(resources: readonly Resource[], code: MessageCode, plural: string): Iterable<Message> {
  const byNamespace = new Map<string, Resource[]>()
  for (const resource of resources)
    byNamespace.set(resource.namespace, [...(byNamespace.get(resource.namespace) ?? []), resource])
  for (const [namespace, list] of byNamespace) {
    if (list.length < 2) continue
    const names = list.map(({ name }) => name).join(' ')
    const text = `The ${plural} [${names}] in namespace "${namespace}" have no workload selector, which can lead to undefined behavior.`
    for (const resource of list) yield message(code, resource, text)
  }
}

export const defaultSidecars: Analyzer = {
  name: 'sidecar.defaults',
  inputs: ['Sidecar', 'Pod', 'Namespace'],
  *analyze(world): Iterable<Message> {
    const defaults = world
      .all('Sidecar')
      .filter((one) => isEmpty(sidecarLabels(one)) && !isAmbientNamespace(one.namespace, world))
    yield* severalDefaults(defaults, 'IST0111', 'Sidecars')
  },
}

export const defaultTelemetries: Analyzer = {
  name: 'telemetry.defaults',
  inputs: ['Telemetry'],
  *analyze(world): Iterable<Message> {
    yield* severalDefaults(
      world.all('Telemetry').filter((one) => !hasBag(one.spec['selector'])),
      'IST0160',
      'Telemetries',
    )
  },
}

export const ambientSidecars: Analyzer = {
  name: 'sidecar.ambient',
  inputs: ['Sidecar', 'Pod', 'Namespace'],
  *analyze(world): Iterable<Message> {
    const without = (resource: Resource, what: string): Message =>
      message('IST0167', resource, `The policy has no impact: ${what} is in ambient mode, the policy has no impact.`)
    for (const resource of world.all('Sidecar')) {
      const labels = sidecarLabels(resource)
      if (isEmpty(labels)) {
        if (isAmbientNamespace(resource.namespace, world)) yield without(resource, 'namespace')
        continue
      }
      const pods = world.all('Pod').filter((pod) => pod.namespace === resource.namespace && selects(labels, pod.labels))
      if (pods.some(isAmbientPod)) yield without(resource, 'selected workload')
    }
  },
}

const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name'

export const ineffectiveSelectors: Analyzer = {
  name: 'policy.gatewaySelectors',
  inputs: ['AuthorizationPolicy', 'RequestAuthentication', 'Telemetry', 'WasmPlugin', 'Pod'],
  *analyze(world): Iterable<Message> {
    for (const kind of ['AuthorizationPolicy', 'RequestAuthentication', 'Telemetry', 'WasmPlugin']) {
      for (const resource of world.all(kind)) {
        if (!hasBag(resource.spec['selector']) || hasBag(resource.spec['targetRef'])) continue
        const pod = world
          .all('Pod')
          .find(
            (one) =>
              one.namespace === resource.namespace &&
              one.labels[GATEWAY_NAME] !== undefined &&
              selects(matchLabels(resource), one.labels),
          )
        if (pod === undefined) continue
        const text = `Selector is ineffective: it selects pods of the Kubernetes Gateway ${pod.labels[GATEWAY_NAME] ?? ''}, use targetRefs instead`
        yield message('IST0166', resource, text)
      }
    }
  },
}

export const authorizedWorkloads: Analyzer = {
  name: 'authorizationpolicy.references',
  inputs: ['AuthorizationPolicy', 'Namespace', 'Pod'],
  *analyze(world): Iterable<Message> {
    for (const resource of world.all('AuthorizationPolicy')) {
      const labels = matchLabels(resource)
      const scope = world
        .all('Pod')
        .filter(({ namespace }) => resource.namespace === world.rootNamespace || namespace === resource.namespace)
      if (!scope.some((pod) => isInMesh(pod, world) && selects(labels, pod.labels))) {
        const text = `No matching workloads for this resource with the following labels: ${selectorText(labels)}`
        yield message('IST0127', resource, text)
      }
      yield* missingNamespaces(resource, world)
    }
  },
}

function* missingNamespaces(resource: Resource, world: World): Iterable<Message> {
  for (const [i, rule] of bagsOf(resource.spec['rules']).entries()) {
    for (const [j, { source }] of bagsOf(rule['from']).entries()) {
      for (const list of ['namespaces', 'notNamespaces'] as const) {
        for (const [k, name] of textsOf(bagOf(source)[list]).entries()) {
          if (world.all('Namespace').some((namespace) => matchesName(name, namespace.name))) continue
          const path = list === 'namespaces' ? `spec.rules[${i}].from[${j}].source.namespaces[${k}]` : undefined
          yield notFound(resource, path, 'namespace', name)
        }
      }
    }
  }
}

/** istiod: a star in front or at the end, letter case ignored. */
function matchesName(pattern: string, name: string): boolean {
  const [wanted, found] = [pattern.toLowerCase(), name.toLowerCase()]
  if (wanted === '*') return true
  if (wanted.startsWith('*')) return found.endsWith(wanted.slice(1))
  return wanted.endsWith('*') ? found.startsWith(wanted.slice(0, -1)) : wanted === found
}

export const telemetryProviders: Analyzer = {
  name: 'telemetry.providers',
  inputs: ['Telemetry'],
  *analyze(world): Iterable<Message> {
    const defaults = textsOf(bagOf(world.mesh['defaultProviders'])['accessLogging'])
    const lightsteps = new Set(
      bagsOf(world.mesh['extensionProviders'])
        .filter(({ lightstep }) => hasBag(lightstep))
        .map(({ name }) => textOf(name)),
    )
    for (const resource of world.all('Telemetry')) {
      for (const entry of bagsOf(resource.spec['accessLogging'])) {
        if (defaults.length > 0 || bagsOf(entry['providers']).length > 0 || entry['disabled'] === true) continue
        const text = `The Telemetry ${resource.name} in namespace "${resource.namespace}" with empty providers will be ignored.`
        yield message('IST0157', resource, text)
      }
      const names = bagsOf(resource.spec['tracing']).flatMap(({ providers }) =>
        bagsOf(providers).map(({ name }) => textOf(name)),
      )
      for (const name of names.filter((one) => lightsteps.has(one))) {
        yield message(
          'IST0002',
          resource,
          `Deprecated: the Lightstep provider ${name} is deprecated, use OpenTelemetry instead`,
        )
      }
    }
  },
}
