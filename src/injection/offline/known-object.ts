/** Objects of the kinds whose pod templates are injected, read as the Go types they are. */
import { messageOf, ProjectError } from '../../base/errors.ts'
import { decodeTyped } from '../model/decode.ts'
import { isJsonObject, type JsonObject } from '../model/members.ts'
import { TYPE_META } from '../model/meta.ts'
import { workloadType } from '../model/workloads.ts'
import type { StructType } from '../template/types.ts'
import { type Node, parseYaml } from '../yaml/parse.ts'
import { nodeToJson } from '../yaml/to-json.ts'

export interface KnownObject {
  readonly kind: string
  readonly type: StructType
  /** Canonical JSON of the type. */
  readonly value: JsonObject
}

export type UnknownFields = 'drop' | 'keep'

/**
 * The object of a YAML document; undefined where its kind is none of ours.
 * @throws ProjectError OFFLINE_INVALID with istiod's text for broken YAML and values of a wrong kind
 */
export function readKnownObject(text: string, unknownFields: UnknownFields): KnownObject | undefined {
  const root = convert(() => parseYaml(text))
  const { kind = '' } = read(root, TYPE_META, 'drop') as { kind?: string }
  const type = workloadType(kind)
  if (type === undefined) return undefined
  const value = read(root, type, unknownFields)
  return { kind, type, value: isJsonObject(value) ? value : {} }
}

function read(root: Node | undefined, type: StructType, unknownFields: UnknownFields): unknown {
  const json = convert(() => (root === undefined ? null : nodeToJson(root, type)))
  return blame('error unmarshaling JSON: while decoding JSON: ', () =>
    decodeTyped(type, json, { unknownFields, errorOrder: 'sorted' }),
  )
}

const convert = <T>(run: () => T): T => blame('error converting YAML to JSON: ', run)

function blame<T>(prefix: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw new ProjectError('OFFLINE_INVALID', prefix + messageOf(cause), { cause })
  }
}
