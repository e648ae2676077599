/** Annotations of Istio on namespaces, services and workloads. */
import type { Analyzer } from '../analyze.ts'
import { ANNOTATIONS, isIstioAnnotation, SYSTEM_ANNOTATIONS } from '../annotations.ts'
import { INJECT_LABEL } from '../mesh-membership.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import type { Resource, World } from '../world.ts'

const PROXY_CONFIG = 'proxy.istio.io/config'
const KINDS = ['Namespace', 'Service', 'Pod', 'Deployment']

export const annotations: Analyzer = {
  name: 'annotations.k8s',
  inputs: KINDS,
  *analyze(world): Iterable<Message> {
    for (const kind of KINDS) for (const resource of world.all(kind)) yield* checkAll(resource, world)
  },
}

function* checkAll(resource: Resource, world: World): Iterable<Message> {
  for (const [name, value] of Object.entries(resource.annotations)) {
    if (isIstioAnnotation(name) && !SYSTEM_ANNOTATIONS.has(name)) yield* checkOne(resource, { name, value, world })
  }
}

function* checkOne(
  resource: Resource,
  { name, value, world }: { name: string; value: string; world: World },
): Iterable<Message> {
  const annotation = ANNOTATIONS.get(name)
  if (annotation === undefined) {
    yield message('IST0108', resource, `Unknown annotation: ${name}`)
    return
  }
  if (annotation.deprecated && !(name === INJECT_LABEL && resource.labels[INJECT_LABEL] !== undefined)) {
    const instead = name === INJECT_LABEL ? ` in favor of the "${name}" label` : ''
    yield message(
      'IST0135',
      resource,
      `Annotation "${name}" has been deprecated${instead} and may not work in future Istio versions.`,
    )
  }
  if (annotation.kinds.includes('Any')) return
  if (!annotation.kinds.includes(resource.kind)) {
    yield message(
      'IST0107',
      resource,
      `Misplaced annotation: ${name} can only be applied to ${annotation.kinds.join(', ')}`,
    )
    return
  }
  const wrong = name === PROXY_CONFIG ? world.wrongProxyConfig?.(value) : annotation.wrong(value)
  if (wrong !== undefined) yield message('IST0125', resource, `Invalid annotation ${name}: ${wrong}`)
}
