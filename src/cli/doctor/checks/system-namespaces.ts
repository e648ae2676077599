/** Do pods that must start without us have to wait for us? */
import { isOurEntry, titleOf } from '../../installed/configurations.ts'
import { check } from '../check.ts'
import { injectorsIn, matches } from '../overlap.ts'

/** Pods that ask for a sidecar by a label of their own know what they do. */
const NO_LABELS = {}
const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease']

export const systemNamespaces = check({
  name: 'system namespaces',
  reads: ['plan', 'configurations', 'namespaces'],
  *run({ plan, configurations, namespaces }) {
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
          next: `kubectl label namespace ${metadata.name} istio-injection- istio.io/rev-`,
        }
      }
    }
  },
})
