/** The chart's values: the typed view for code and the untyped one for templates. */
import { ProjectError, messageOf } from '../../base/errors.ts'
import { readYaml } from '../yaml/read.ts'
import type { Message } from './message-type.ts'
import { VALUES } from './messages.ts'
import { readMessage } from './proto-json.ts'

export interface ChartValues {
  /** Message VALUES; unknown fields are gone. */
  readonly typed: Message
  /** What templates see as `.Values`; plain JSON. */
  readonly untyped: Readonly<Record<string, unknown>>
}

/**
 * Reads the values document (JSON or YAML); an empty one is no values.
 * @throws ProjectError MESH_MESSAGE `could not parse configuration values: …`
 */
export function readValues(text: string): ChartValues {
  try {
    const json = readYaml(text)
    return { typed: readMessage(VALUES, json), untyped: (json ?? {}) as Record<string, unknown> }
  } catch (err) {
    throw new ProjectError('MESH_MESSAGE', `could not parse configuration values: ${messageOf(err)}`, { cause: err })
  }
}
