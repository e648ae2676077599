/** The image `auto`, which only injection replaces. */
import type { Analyzer } from '../analyze.ts'
import { selectorHolds } from '../label-selector.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import type { Bag } from '../read.ts'
import { bagOf, bagsOf, textMapOf, textOf } from '../read.ts'
import type { Resource, World } from '../world.ts'

const INPUTS = ['Namespace', 'Pod', 'Deployment', 'MutatingWebhookConfiguration']

/** -1 without such a container. istiod: init containers are not looked at. */
const autoContainerOf = (spec: Bag): number =>
  bagsOf(spec['containers']).findIndex(({ name, image }) => name === 'istio-proxy' && image === 'auto')

export const uninjectedDeployments: Analyzer = {
  name: 'injection.imageAuto.deployments',
  inputs: INPUTS,
  *analyze(world): Iterable<Message> {
    for (const deployment of world.all('Deployment')) {
      const template = bagOf(deployment.spec['template'])
      const container = autoContainerOf(bagOf(template['spec']))
      if (container === -1 || isInjected(deployment, template, world)) continue
      const text = `Deployment ${deployment.name} contains \`image: auto\` but no injection webhook selects its pods. Label namespace or pods for injection, or the pods will not start.`
      yield message('IST0146', deployment, text, `spec.template.spec.containers[${container}].image`)
    }
  },
}

function isInjected({ namespace }: Resource, template: Bag, world: World): boolean {
  const spaceLabels = world.find('Namespace', namespace)?.labels ?? {}
  const podLabels = textMapOf(bagOf(template['metadata'])['labels'])
  return world
    .all('MutatingWebhookConfiguration')
    .flatMap(({ object }) => bagsOf(object['webhooks']))
    .some(
      ({ name, namespaceSelector, objectSelector }) =>
        textOf(name).endsWith('istio.io') &&
        selectorHolds(namespaceSelector, spaceLabels) &&
        selectorHolds(objectSelector, podLabels),
    )
}

/** Whatever the webhooks select by now: it is too late for a pod that is stored. */
export const uninjectedPods: Analyzer = {
  name: 'injection.imageAuto.pods',
  inputs: INPUTS,
  *analyze(world): Iterable<Message> {
    for (const pod of world.all('Pod')) {
      const container = autoContainerOf(pod.spec)
      if (container === -1) continue
      const text = `Pod ${pod.name} still has \`image: auto\`: it was not injected. Recreate it where an injection webhook selects it.`
      yield message('IST0147', pod, text, `spec.containers[${container}].image`)
    }
  },
}
