/** WasmPlugin: extensions.istio.io v1alpha1. */
import { enumOf, object } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import {
  matchLabelsSelector,
  nullableI32,
  ONE_TARGET,
  targetRef,
  targetRefs,
  trafficSelectors,
  wasmFields,
} from './shared.ts'

const spec = object(
  {
    selector: matchLabelsSelector,
    targetRef,
    targetRefs,
    ...wasmFields,
    phase: enumOf(['UNSPECIFIED_PHASE', 'AUTHN', 'AUTHZ', 'STATS']),
    priority: nullableI32(),
    match: trafficSelectors,
  },
  { required: ['url'], cel: [ONE_TARGET] },
)

export const wasmPlugin: KindSchema<Decoded<typeof spec>> = {
  group: 'extensions.istio.io',
  kind: 'WasmPlugin',
  plural: 'wasmplugins',
  shortNames: [],
  versions: ['v1alpha1'],
  specRequired: true,
  spec,
}
export type WasmPlugin = Decoded<typeof spec>
export type TrafficSelectors = Decoded<typeof trafficSelectors>
