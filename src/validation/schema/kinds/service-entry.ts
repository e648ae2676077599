/** ServiceEntry: networking.istio.io v1, v1beta1, v1alpha3. */
import { enumOf, list, object, text } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { celRule, labelsSelector, onlyOne, port } from './shared.ts'
import { entry } from './workload-entry.ts'

interface Spec {
  readonly addresses?: readonly string[]
  readonly resolution?: string
  readonly endpoints?: readonly unknown[]
}
const CIDR_RULE = celRule<Spec>(
  "!((has(self.addresses) ? self.addresses : []).exists(k, k.contains('/')) && !((has(self.resolution) ? self.resolution : 'NONE') in ['STATIC', 'NONE']))",
  'CIDR addresses are allowed only for NONE/STATIC resolution types',
  ({ addresses = [], resolution = 'NONE' }) =>
    !addresses.some((address) => address.includes('/')) || resolution === 'STATIC' || resolution === 'NONE',
)
const NONE_RULE = celRule<Spec>(
  "(has(self.resolution) ? self.resolution : 'NONE') == 'NONE' ? !has(self.endpoints) : true",
  'NONE mode cannot set endpoints',
  (self) => (self.resolution ?? 'NONE') !== 'NONE' || !Object.hasOwn(self, 'endpoints'),
)
const ROUND_ROBIN_RULE = celRule<Spec>(
  "(has(self.resolution) ? self.resolution : '') == 'DNS_ROUND_ROBIN' ? (has(self.endpoints) ? self.endpoints : []).size() <= 1 : true",
  'DNS_ROUND_ROBIN mode cannot have multiple endpoints',
  ({ resolution, endpoints = [] }) => resolution !== 'DNS_ROUND_ROBIN' || endpoints.length <= 1,
)
const HOST_RULE = celRule<string>("self != '*'", 'hostname cannot be wildcard', (self) => self !== '*')
const NUMBERS_RULE = celRule<readonly { number: number }[]>(
  'self.all(l1, self.exists_one(l2, l1.number == l2.number))',
  'port number cannot be duplicated',
  (self) => new Set(self.map(({ number }) => number)).size === self.length,
)

const spec = object(
  {
    hosts: list(text({ cel: [HOST_RULE] }), { minItems: 1, maxItems: 256 }),
    addresses: list(text({ maxLength: 64 }), { maxItems: 256 }),
    ports: list(
      object(
        {
          name: text({ maxLength: 256 }),
          number: port(),
          protocol: text({ maxLength: 256 }),
          targetPort: port(),
        },
        { required: ['name', 'number'] },
      ),
      { maxItems: 256, mapKey: 'name', cel: [NUMBERS_RULE] },
    ),
    location: enumOf(['MESH_EXTERNAL', 'MESH_INTERNAL']),
    resolution: enumOf(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS']),
    endpoints: list(entry, { maxItems: 4096 }),
    workloadSelector: labelsSelector,
    exportTo: list(text()),
    subjectAltNames: list(text()),
  },
  {
    required: ['hosts'],
    cel: [
      onlyOne(['workloadSelector', 'endpoints'], 'only one of WorkloadSelector or Endpoints can be set'),
      CIDR_RULE,
      NONE_RULE,
      ROUND_ROBIN_RULE,
    ],
  },
)

export const serviceEntry: KindSchema<Decoded<typeof spec>> = {
  group: 'networking.istio.io',
  kind: 'ServiceEntry',
  plural: 'serviceentries',
  shortNames: ['se'],
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  specRequired: true,
  spec,
}
export type ServiceEntry = Decoded<typeof spec>
