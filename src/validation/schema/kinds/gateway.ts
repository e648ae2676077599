/** Gateway: networking.istio.io v1, v1beta1, v1alpha3. */
import { list, map, object, text, u32 } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { serverTls } from './shared.ts'

const server = object(
  {
    name: text(),
    bind: text(),
    hosts: list(text()),
    defaultEndpoint: text(),
    port: object(
      { number: u32(), protocol: text(), name: text(), targetPort: u32() },
      { required: ['number', 'protocol', 'name'] },
    ),
    tls: serverTls,
  },
  { required: ['port', 'hosts'] },
)
const spec = object({ selector: map(text()), servers: list(server) })

export const gateway: KindSchema<Decoded<typeof spec>> = {
  group: 'networking.istio.io',
  kind: 'Gateway',
  plural: 'gateways',
  shortNames: ['gw'],
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  specRequired: false,
  spec,
}
export type Gateway = Decoded<typeof spec>
export type GatewayServer = Decoded<typeof server>
export type ServerTls = Decoded<typeof serverTls>
