/** Resource lists, the maps from resource names to quantities. */
import type { GoType, MapType, Method } from '../template/types.ts'
import { mapOf } from '../template/types.ts'
import { QUANTITY } from './quantity.ts'

/** The quantity a list holds under `name`, zero where it holds none, as Go's accessor of that resource answers. */
const quantityOf = (name: string): Method => ({
  params: [],
  result: { kind: 'pointer', elem: QUANTITY } satisfies GoType,
  nilSafe: true,
  call: (self) => (self as Readonly<Record<string, unknown>> | null | undefined)?.[name] ?? '0',
})

/** v1.ResourceList. Its keys cannot be reached as fields; what templates have are the methods. */
export const RESOURCE_LIST: MapType = {
  ...mapOf(QUANTITY, { kind: 'string', name: 'v1.ResourceName' }),
  name: 'v1.ResourceList',
  methods: {
    Cpu: quantityOf('cpu'),
    Memory: quantityOf('memory'),
    Storage: quantityOf('storage'),
    Pods: quantityOf('pods'),
    StorageEphemeral: quantityOf('ephemeral-storage'),
  },
}
