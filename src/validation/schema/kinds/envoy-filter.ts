/** EnvoyFilter: networking.istio.io v1alpha3. */
import { enumOf, free, i32, list, map, object, text, u32 } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { celRule, labelsSelector, onlyOne, port, targetRefs } from './shared.ts'

const filterMatch = object({ name: text(), subFilter: object({ name: text() }) })
const WAYPOINT_RULE = celRule<{ context?: string }>(
  "((has(self.context) ? self.context : '') == 'WAYPOINT') ? has(self.waypoint) : !has(self.waypoint)",
  'only support waypointMatch when context is WAYPOINT',
  (self) => (self.context === 'WAYPOINT') === Object.hasOwn(self, 'waypoint'),
)
const match = object(
  {
    context: enumOf(['ANY', 'SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY', 'WAYPOINT']),
    proxy: object({ proxyVersion: text(), metadata: map(text()) }),
    listener: object({
      name: text(),
      portNumber: u32(),
      portName: text(),
      listenerFilter: text(),
      filterChain: object({
        name: text(),
        sni: text(),
        transportProtocol: text(),
        applicationProtocols: text(),
        destinationPort: u32(),
        filter: filterMatch,
      }),
    }),
    routeConfiguration: object({
      name: text(),
      portNumber: u32(),
      portName: text(),
      gateway: text(),
      vhost: object({
        name: text(),
        domainName: text(),
        route: object({ name: text(), action: enumOf(['ANY', 'ROUTE', 'REDIRECT', 'DIRECT_RESPONSE']) }),
      }),
    }),
    cluster: object({ name: text(), service: text(), subset: text(), portNumber: u32() }),
    waypoint: object({ portNumber: port(), filter: filterMatch, route: object({ name: text() }) }),
  },
  { oneOf: [['listener', 'routeConfiguration', 'cluster', 'waypoint']], cel: [WAYPOINT_RULE] },
)
const configPatch = object({
  applyTo: enumOf([
    'INVALID',
    'LISTENER',
    'FILTER_CHAIN',
    'NETWORK_FILTER',
    'HTTP_FILTER',
    'ROUTE_CONFIGURATION',
    'VIRTUAL_HOST',
    'HTTP_ROUTE',
    'CLUSTER',
    'EXTENSION_CONFIG',
    'BOOTSTRAP',
    'LISTENER_FILTER',
  ]),
  match,
  patch: object({
    operation: enumOf([
      'INVALID',
      'MERGE',
      'ADD',
      'REMOVE',
      'INSERT_BEFORE',
      'INSERT_AFTER',
      'INSERT_FIRST',
      'REPLACE',
      'MERGE_AND_REPLACE_LIST',
    ]),
    value: free(),
    filterClass: enumOf(['UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS']),
  }),
})
const spec = object(
  { workloadSelector: labelsSelector, targetRefs, priority: i32(), configPatches: list(configPatch) },
  {
    cel: [onlyOne(['workloadSelector', 'targetRefs'], 'only one of targetRefs or workloadSelector can be set')],
  },
)

export const envoyFilter: KindSchema<Decoded<typeof spec>> = {
  group: 'networking.istio.io',
  kind: 'EnvoyFilter',
  plural: 'envoyfilters',
  shortNames: [],
  versions: ['v1alpha3'],
  specRequired: false,
  spec,
}
export type EnvoyFilter = Decoded<typeof spec>
export type ConfigPatch = Decoded<typeof configPatch>
export type PatchMatch = Decoded<typeof match>
