/** Sidecar: networking.istio.io v1, v1beta1, v1alpha3. */
import { enumOf, list, object, text, u32 } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { connectionPool, destination, labelsSelector, serverTls } from './shared.ts'

const sidecarPort = object({ number: u32(), protocol: text(), name: text(), targetPort: u32() })
const captureMode = enumOf(['DEFAULT', 'IPTABLES', 'NONE'])
const ingress = object(
  { port: sidecarPort, bind: text(), captureMode, defaultEndpoint: text(), tls: serverTls, connectionPool },
  { required: ['port'] },
)
const egress = object({ port: sidecarPort, bind: text(), captureMode, hosts: list(text()) }, { required: ['hosts'] })
const spec = object({
  workloadSelector: labelsSelector,
  ingress: list(ingress),
  egress: list(egress),
  inboundConnectionPool: connectionPool,
  outboundTrafficPolicy: object({
    mode: enumOf(['REGISTRY_ONLY', 'ALLOW_ANY'], ['VIRTUAL_SERVICE_ONLY', 'ALLOW_ANY_DYNAMIC_DNS']),
    egressProxy: destination,
  }),
})

export const sidecar: KindSchema<Decoded<typeof spec>> = {
  group: 'networking.istio.io',
  kind: 'Sidecar',
  plural: 'sidecars',
  shortNames: [],
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  specRequired: false,
  spec,
}
export type Sidecar = Decoded<typeof spec>
export type SidecarIngress = Decoded<typeof ingress>
export type SidecarEgress = Decoded<typeof egress>
export type SidecarPort = Decoded<typeof sidecarPort>
export type LabelsSelector = Decoded<typeof labelsSelector>
