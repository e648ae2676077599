/** Fields of a document that no message has. istiod: they vanish in silence. */
import type { GoType } from '../template/types.ts'
import type { MessageType } from './message-type.ts'

export interface UnknownMessageField {
  readonly steps: readonly (string | number)[]
  /** The fields that the message does have. */
  readonly declared: readonly string[]
}

/** All fields of `document` that `type` does not know, in the order of the document. */
export function unknownFields(type: MessageType, document: unknown): readonly UnknownMessageField[] {
  const found: UnknownMessageField[] = []
  walk(type, document, { steps: [], found })
  return found
}

interface Place {
  readonly steps: readonly (string | number)[]
  readonly found: UnknownMessageField[]
}

const isMessage = (type: GoType): type is MessageType => 'message' in type

function walk(type: GoType, value: unknown, { steps, found }: Place): void {
  if (typeof value !== 'object' || value === null) return
  if (type.kind === 'pointer') {
    walk(type.elem, value, { steps, found })
  } else if (type.kind === 'slice' && Array.isArray(value)) {
    for (const [i, item] of (value as readonly unknown[]).entries()) {
      walk(type.elem, item, { steps: [...steps, i], found })
    }
  } else if (type.kind === 'map') {
    for (const [key, item] of Object.entries(value)) walk(type.elem, item, { steps: [...steps, key], found })
  } else if (isMessage(type) && type.wellKnown === undefined && !Array.isArray(value)) {
    walkMessage(type, value, { steps, found })
  }
}

function walkMessage({ fields }: MessageType, value: object, { steps, found }: Place): void {
  for (const [key, item] of Object.entries(value)) {
    const at = [...steps, key]
    const known = fields.find(({ json, proto }) => key === json || key === proto)
    if (known === undefined) found.push({ steps: at, declared: fields.map(({ json }) => json) })
    else walk(known.type, item, { steps: at, found })
  }
}
