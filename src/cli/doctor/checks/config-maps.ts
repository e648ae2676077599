/** Are the ConfigMaps of the mesh there, with what is read from them? */
import { check } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { World } from '../world.ts'

export const configMaps = check({
  name: 'ConfigMaps',
  reads: ['plan', 'configMaps', 'istiods'],
  *run({ plan, configMaps: found, istiods }) {
    // Without an istiod the shipped templates are what is wanted, as long as no half of a configuration is there.
    if (found.size === 0 && istiods.length === 0 && plan.revision === 'default') return
    for (const [name, keys] of expected(plan)) {
      const map = found.get(name)
      if (map === undefined) yield missing(name, plan, 'no such ConfigMap')
      for (const key of map === undefined ? [] : keys.filter((one) => map.data?.[one] === undefined)) {
        yield missing(name, plan, `it has no key ${key}`)
      }
    }
  },
})

/** Name, and the keys that are read. */
function expected({ configMaps: [injector = '', mesh = ''] }: World['plan']): [string, string[]][] {
  return [
    [injector, ['config', 'values']],
    [mesh, ['mesh']],
  ]
}

function missing(
  name: string,
  { istioNamespace, revision, configMaps: [injector] }: World['plan'],
  what: string,
): Finding {
  const template = name === injector ? 'istiod-injector-configmap' : 'configmap'
  const chart = 'helm template istiod istiod --repo https://istio-release.storage.googleapis.com/charts'
  const revisionFlag = revision === 'default' ? '' : ` --set revision=${revision}`
  return {
    code: 'CONFIG_MAP_MISSING',
    subject: `configmap/${name} -n ${istioNamespace}`,
    message: `${what}; what is shipped serves in its place`,
    next: `${chart} -n ${istioNamespace}${revisionFlag} -s templates/${template}.yaml | kubectl apply -f -`,
  }
}
