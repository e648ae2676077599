/** WorkloadEntry: networking.istio.io v1, v1beta1, v1alpha3; its fields serve ServiceEntry and WorkloadGroup too. */
import { keysOf } from '../keys.ts'
import { map, object, text, u32 } from '../dsl.ts'
import type { CelRule, Decoded, KindSchema } from '../dsl.ts'
import { celRule, port } from './shared.ts'

interface Entry {
  readonly address?: string
  readonly network?: string
  readonly ports?: unknown
}
const ADDRESS_RULE = celRule<Entry>(
  'has(self.address) || has(self.network)',
  'Address is required',
  (self) => Object.hasOwn(self, 'address') || Object.hasOwn(self, 'network'),
)
const SOCKET_PORTS_RULE = celRule<Entry>(
  "(has(self.address) ? self.address : '').startsWith('unix://') ? !has(self.ports) : true",
  'UDS may not include ports',
  (self) => !(self.address ?? '').startsWith('unix://') || !Object.hasOwn(self, 'ports'),
)
const SOCKET_PATH_RULE = celRule<string>(
  "self.startsWith('unix://') ? (self.substring(7, 8) == '/' || self.substring(7, 8) == '@') : true",
  'UDS must be an absolute path or abstract socket',
  (self) => {
    if (!self.startsWith('unix://')) return true
    return self.length === 7 ? 'index out of range: 8' : self[7] === '/' || self[7] === '@'
  },
)
const SOCKET_FOLDER_RULE = celRule<string>(
  "self.startsWith('unix://') ? !self.endsWith('/') : true",
  'UDS may not be a dir',
  (self) => !self.startsWith('unix://') || !self.endsWith('/'),
)
const PORT_NAME = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/
const PORT_NAMES_RULE = celRule<Record<string, unknown>>(
  "self.all(key, size(key) < 63 && key.matches('^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$'))",
  'port name must be valid',
  (self) => keysOf(self).every((key) => key.length < 63 && PORT_NAME.test(key)),
)

const fields = {
  address: text({ maxLength: 256, cel: [SOCKET_PATH_RULE, SOCKET_FOLDER_RULE] }),
  ports: map(port(), { maxProperties: 128, cel: [PORT_NAMES_RULE] }),
  labels: map(text(), { maxProperties: 256 }),
  network: text({ maxLength: 2048 }),
  locality: text({ maxLength: 2048 }),
  weight: u32(),
  serviceAccount: text({ maxLength: 253 }),
} as const
const entryWith = (cel: readonly CelRule[]) => object(fields, { cel })
export const entry = entryWith([ADDRESS_RULE, SOCKET_PORTS_RULE])
/** A WorkloadGroup's template may do without an address. */
export const template = entryWith([SOCKET_PORTS_RULE])

export const workloadEntry: KindSchema<Decoded<typeof entry>> = {
  group: 'networking.istio.io',
  kind: 'WorkloadEntry',
  plural: 'workloadentries',
  shortNames: ['we'],
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  specRequired: true,
  spec: entry,
}
export type WorkloadEntry = Decoded<typeof entry>
