/** Does anybody but us own the caBundle of our entries? */
import { FIELD_MANAGER } from '../../../certificates/store.ts'
import type { Configuration } from '../../installed/configurations.ts'
import { isOurEntry, titleOf } from '../../installed/configurations.ts'
import { shellJson } from '../advice.ts'
import { check } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { World } from '../world.ts'

/** istiod's writes have a check of their own. */
export const ISTIOD_MANAGER = 'pilot-discovery'

export const fieldManagers = check({
  name: 'field managers',
  reads: ['plan', 'configurations'],
  *run({ plan, configurations }) {
    for (const configuration of configurations) {
      for (const { manager, operation, index, entries } of ownersOfBundles(configuration, plan)) {
        if (manager === FIELD_MANAGER || manager === ISTIOD_MANAGER) continue
        yield staleOwner(configuration, { manager, operation, index, entries })
      }
    }
  },
})

export interface BundleOwner {
  readonly manager: string
  /** `Apply` or `Update`. */
  readonly operation: string
  /** Place in managedFields. */
  readonly index: number
  /** Our entries whose caBundle it owns. */
  readonly entries: readonly string[]
}

interface Managed {
  readonly manager?: string
  readonly operation?: string
  readonly fieldsV1?: unknown
}

/** Whoever owns the caBundle of an entry of ours. Source: Kubernetes, FieldsV1 (`f:` names a field, `k:` a list item's key). */
export function ownersOfBundles(configuration: Configuration, plan: World['plan']): BundleOwner[] {
  const managed: readonly Managed[] = configuration.metadata.managedFields ?? []
  const ours = configuration.webhooks.filter((entry) => isOurEntry(entry, configuration, plan)).map(({ name }) => name)
  return managed.flatMap(({ manager = 'unknown', operation = 'Update', fieldsV1 }, index) => {
    const entries = ours.filter((name) => ownsBundleOf(name, fieldsV1))
    return entries.length === 0 ? [] : [{ manager, operation, index, entries }]
  })
}

function ownsBundleOf(name: string, fieldsV1: unknown): boolean {
  const path = ['f:webhooks', `k:${JSON.stringify({ name })}`, 'f:clientConfig', 'f:caBundle']
  let at: unknown = fieldsV1
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false
    at = (at as Record<string, unknown>)[key]
  }
  return true
}

function staleOwner(configuration: Configuration, { manager, operation, index, entries }: BundleOwner): Finding {
  const path = `/metadata/managedFields/${index}`
  const patch = [
    { op: 'test', path: `${path}/manager`, value: manager },
    { op: 'remove', path },
  ]
  return {
    code: 'FIELD_MANAGER_STALE',
    subject: titleOf(configuration),
    message: `${manager} (${operation}) owns caBundle of ${entries.join(', ')}; only ${FIELD_MANAGER} should. Leave the field out of its manifests, then:`,
    next: `kubectl patch ${titleOf(configuration).replace('/', ' ')} --type=json -p ${shellJson(patch)}`,
  }
}
