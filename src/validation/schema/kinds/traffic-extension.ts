/** TrafficExtension: extensions.istio.io v1alpha1. */
import { enumOf, object, text } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import {
  celRule,
  matchLabelsSelector,
  nullableI32,
  onlyOne,
  targetRefs,
  trafficSelectors,
  wasmFields,
} from './shared.ts'

const EXACTLY_ONE = celRule<Record<string, unknown>>(
  '(has(self.wasm) ? 1 : 0) + (has(self.lua) ? 1 : 0) == 1',
  'exactly one of wasm or lua must be set',
  (self) => Object.hasOwn(self, 'wasm') !== Object.hasOwn(self, 'lua'),
)
const wasm = object(wasmFields, { required: ['url'] })
const spec = object(
  {
    selector: matchLabelsSelector,
    targetRefs,
    wasm,
    lua: object({ inlineCode: text({ minLength: 1, maxLength: 65536 }) }, { required: ['inlineCode'] }),
    phase: enumOf(['UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS']),
    priority: nullableI32(),
    match: trafficSelectors,
  },
  {
    oneOf: [['wasm', 'lua']],
    cel: [onlyOne(['selector', 'targetRefs'], 'only one of targetRefs or selector can be set'), EXACTLY_ONE],
  },
)

export const trafficExtension: KindSchema<Decoded<typeof spec>> = {
  group: 'extensions.istio.io',
  kind: 'TrafficExtension',
  plural: 'trafficextensions',
  shortNames: [],
  versions: ['v1alpha1'],
  specRequired: true,
  spec,
}
export type TrafficExtension = Decoded<typeof spec>
export type Wasm = Decoded<typeof wasm>
