/** Do pods that must start without us have to wait for us? */
import type { Labels } from '../../../base/selector.ts'
import type { Entry } from '../../installed/configurations.ts'
import { isOurEntry, titleOf } from '../../installed/configurations.ts'
import { SYSTEM_NAMESPACES } from '../../manifests/webhooks.ts'
import { reapply } from '../advice.ts'
import { check } from '../check.ts'
import { injectorsIn, matches } from '../overlap.ts'
import type { World } from '../world.ts'

/** Pods that ask for a sidecar by a label of their own know what they do. */
const NO_LABELS = {}
/** By these somebody asked for the sidecar. */
const ASKING_LABELS = ['istio-injection', 'istio.io/rev']

export const systemNamespaces = check({
  name: 'system namespaces',
  reads: ['plan', 'configurations', 'namespaces'],
  *run(world) {
    const { plan, configurations, namespaces } = world
    const guarded = namespaces.filter(({ metadata: { name } }) => [...SYSTEM_NAMESPACES, plan.namespace].includes(name))
    for (const { configuration, entry } of injectorsIn(configurations)) {
      if (!isOurEntry(entry, configuration, plan) || entry.failurePolicy === 'Ignore') continue
      // A server outside the cluster does not start in it.
      const waits =
        entry.clientConfig.url === undefined
          ? guarded
          : guarded.filter(({ metadata }) => metadata.name !== plan.namespace)
      for (const { metadata } of waits) {
        if (!matches(entry.objectSelector, NO_LABELS) || !matches(entry.namespaceSelector, metadata.labels ?? {}))
          continue
        yield {
          code: 'SYSTEM_NAMESPACE_SELECTED',
          subject: `namespace/${metadata.name}`,
          message: `${titleOf(configuration)} ${entry.name} selects it: its pods cannot start while this server is away`,
          next: release(metadata, entry, world),
        }
      }
    }
  },
})

/** Labels that ask for it go; an entry that takes the namespace without being asked is written again. */
function release(
  { name, labels = {} }: { readonly name: string; readonly labels?: Labels },
  { namespaceSelector }: Entry,
  world: Pick<World, 'plan' | 'configurations'>,
): string {
  const unasked = Object.fromEntries(Object.entries(labels).filter(([key]) => !ASKING_LABELS.includes(key)))
  if (matches(namespaceSelector, unasked)) return reapply(world, 'webhooks')
  return `kubectl label namespace ${name} ${ASKING_LABELS.map((label) => `${label}-`).join(' ')}`
}
