/** PeerAuthentication: security.istio.io v1, v1beta1. */
import { enumOf, map, object } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { keysOf } from '../keys.ts'
import { celRule, matchLabelsSelector } from './shared.ts'

const SELECTOR_RULE = celRule<{ selector?: { matchLabels?: Record<string, string> } }>(
  '(has(self.selector) && has(self.selector.matchLabels) && self.selector.matchLabels.size() > 0) || !has(self.portLevelMtls)',
  'portLevelMtls requires selector',
  (self) => keysOf(self.selector?.matchLabels ?? {}).length > 0 || !Object.hasOwn(self, 'portLevelMtls'),
)
const CEL_INTEGER = /^[+-]?\d+$/
/** CEL's `all` remembers an evaluation error only while no other key makes the whole false. */
const PORTS_RULE = celRule<Record<string, unknown>>(
  'self.all(key, 0 < int(key) && int(key) <= 65535)',
  'port must be between 1-65535',
  (self) => {
    let unreadable = false
    for (const key of keysOf(self)) {
      if (!CEL_INTEGER.test(key)) unreadable = true
      else if (Number(key) < 1 || Number(key) > 65535) return false
    }
    return unreadable ? "type conversion error from 'string' to 'int'" : true
  },
)
const mtls = object({ mode: enumOf(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']) })
const spec = object(
  {
    selector: matchLabelsSelector,
    mtls,
    portLevelMtls: map(mtls, { minProperties: 1, numericKeys: true, cel: [PORTS_RULE] }),
  },
  { cel: [SELECTOR_RULE] },
)

export const peerAuthentication: KindSchema<Decoded<typeof spec>> = {
  group: 'security.istio.io',
  kind: 'PeerAuthentication',
  plural: 'peerauthentications',
  shortNames: ['pa'],
  versions: ['v1', 'v1beta1'],
  specRequired: false,
  spec,
}
export type PeerAuthentication = Decoded<typeof spec>
