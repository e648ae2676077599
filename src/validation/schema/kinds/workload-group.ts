/** WorkloadGroup: networking.istio.io v1, v1beta1, v1alpha3. */
import { i32, list, map, object, text } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { celRule, port } from './shared.ts'
import { template } from './workload-entry.ts'

const SCHEME_RULE = celRule<string>(
  "self in ['', 'HTTP', 'HTTPS']",
  'scheme must be one of [HTTP, HTTPS]',
  (self) => self === '' || self === 'HTTP' || self === 'HTTPS',
)
const count = i32({ minimum: 0 })
const probe = object(
  {
    initialDelaySeconds: count,
    timeoutSeconds: count,
    periodSeconds: count,
    successThreshold: count,
    failureThreshold: count,
    httpGet: object(
      {
        path: text(),
        port: port(),
        host: text(),
        scheme: text({ cel: [SCHEME_RULE] }),
        httpHeaders: list(object({ name: text({ pattern: /^[-_A-Za-z0-9]+$/ }), value: text() })),
      },
      { required: ['port'] },
    ),
    tcpSocket: object({ host: text(), port: port() }, { required: ['port'] }),
    exec: object({ command: list(text({ minLength: 1 })) }, { required: ['command'] }),
    grpc: object({ port: port(), service: text() }),
  },
  { oneOf: [['httpGet', 'tcpSocket', 'exec', 'grpc']] },
)
const labels = map(text(), { maxProperties: 256 })
const spec = object({ metadata: object({ labels, annotations: labels }), template, probe }, { required: ['template'] })

export const workloadGroup: KindSchema<Decoded<typeof spec>> = {
  group: 'networking.istio.io',
  kind: 'WorkloadGroup',
  plural: 'workloadgroups',
  shortNames: ['wg'],
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  specRequired: true,
  spec,
}
export type WorkloadGroup = Decoded<typeof spec>
export type Probe = Decoded<typeof probe>
